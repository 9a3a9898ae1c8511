#include "arbiter/claim.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "absl/strings/str_cat.h"
#include "runtime/process/runtime_directory.h"
#include "runtime/process/unix_socket.h"
#include "runtime/task/error.h"

namespace tractor::arbiter {
namespace {

constexpr std::chrono::seconds kProbeTimeout{1};

// Of the socket at a unix address; whoever serves it holds it.
std::string lock_path(const Address& address) { return address.path + ".lock"; }

// Whether something accepts connections at a TCP address.
bool tcp_answers(const Address& address) {
  namespace asio = boost::asio;
  asio::io_context io;
  boost::system::error_code error;
  asio::ip::tcp::resolver resolver(io);
  const auto endpoints = resolver.resolve(address.host, std::to_string(address.port), error);
  if (error)
    throw UsageError(
        absl::StrCat("cannot resolve the host of the arbiter address ", to_string(address), ": ", error.message()));
  asio::ip::tcp::socket socket(io);
  bool connected = false;
  bool timed_out = true;
  asio::async_connect(socket, endpoints, [&](const boost::system::error_code& e, const asio::ip::tcp::endpoint&) {
    connected = !e;
    timed_out = false;
  });
  io.run_for(kProbeTimeout);
  return connected || timed_out;  // silence is somebody's, too: a host that is down must not make us its arbiter
}

Claim claim_unix(const Address& address) {
  Claim claim;
  claim.address = address;
  claim.lock = try_lock_file(lock_path(address));
  if (!claim.lock) return claim;
  if (unix_socket_answers(address.path)) {
    claim.lock.reset();  // the socket is not ours to remove
    throw UsageError(absl::StrCat(
        "the socket ", address.path, " is in use by something that is no tractor arbiter (it does not hold ",
        lock_path(address), "); name another address in TRACTOR_ARBITER or RunOptions.arbiter"));
  }
  claim.listener = listen_on_unix_socket(address.path);
  claim.ours = true;
  return claim;
}

// Empty when the port is taken, or the address not this machine's.
UniqueDescriptor listen_on_tcp(const Address& address) {
  namespace asio = boost::asio;
  boost::system::error_code error;
  const asio::ip::address host =
      address.host == "localhost" ? asio::ip::address_v4::loopback() : asio::ip::make_address(address.host, error);
  if (error) return {};
  const asio::ip::tcp::endpoint endpoint(host, static_cast<asio::ip::port_type>(address.port));
  asio::io_context io;
  asio::ip::tcp::acceptor acceptor(io);
  acceptor.open(endpoint.protocol(), error);
  if (!error) fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);  // not for what this program starts
  if (!error) acceptor.set_option(asio::ip::tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.set_option(asio::ip::tcp::no_delay(true), error);  // what it accepts inherits it
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) acceptor.non_blocking(true, error);
  if (error) return {};
  return UniqueDescriptor(acceptor.release());
}

}  // namespace

std::string default_address() { return "unix:" + runtime_directory() + "/arbiter.sock"; }

Claim claim(const std::string& text) {
  const Address address = parse_address(text);
  if (address.kind == Address::Kind::unix_socket) return claim_unix(address);
  if (address.port == 0)
    throw UsageError(absl::StrCat("the arbiter address \"", text, "\" needs a port: others must know it"));
  Claim claim;
  claim.address = address;
  claim.ours = is_vacant(address);
  return claim;
}

Claim reclaim(const Address& address) {
  if (address.kind == Address::Kind::unix_socket) return claim_unix(address);
  Claim claim;
  claim.address = address;
  claim.listener = listen_on_tcp(address);
  claim.ours = static_cast<bool>(claim.listener);
  return claim;
}

Claim::~Claim() {
  if (ours && lock) unlink(address.path.c_str());
}

bool is_vacant(const Address& address) {
  return address.kind == Address::Kind::tcp ? !tcp_answers(address)
                                            : static_cast<bool>(try_lock_file(lock_path(address)));
}

}  // namespace tractor::arbiter
