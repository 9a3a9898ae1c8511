#include "runtime/process/tcp_socket.h"

#include <fcntl.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <chrono>
#include <set>

#include "absl/strings/str_cat.h"
#include "runtime/task/error.h"

namespace tractor {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::seconds kProbeTimeout{1};

tcp::resolver::results_type resolve(asio::io_context& io, const Address& address) {
  error_code error;
  auto endpoints =
      tcp::resolver(io).resolve(address.host, std::to_string(address.port), tcp::resolver::numeric_service, error);
  if (error) {
    throw UsageError(
        absl::StrCat("cannot resolve the host of the address ", to_string(address), ": ", error.message()));
  }
  return endpoints;
}

// The port that it listens on is the endpoint's from now on.
UniqueDescriptor listen_on(asio::io_context& io, tcp::endpoint& endpoint, error_code& error) {
  tcp::acceptor acceptor(io);
  acceptor.open(endpoint.protocol(), error);
  if (!error) fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);  // not for what this program starts
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.set_option(tcp::no_delay(true), error);  // what it accepts inherits it
  if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) acceptor.non_blocking(true, error);
  if (!error) endpoint = acceptor.local_endpoint(error);
  return error ? UniqueDescriptor() : UniqueDescriptor(acceptor.release());
}

}  // namespace

TcpPort listen_on_tcp(const Address& address) {
  asio::io_context io;
  TcpPort port{.address = address};
  std::set<asio::ip::address> hosts;
  error_code failure;
  for (const auto& entry : resolve(io, address)) hosts.insert(entry.endpoint().address());
  const std::set<asio::ip::address> all{asio::ip::address_v4::any(), asio::ip::address_v6::any()};
  if (std::any_of(all.begin(), all.end(), [&](const asio::ip::address& any) { return hosts.contains(any); }))
    hosts = all;
  for (const asio::ip::address& host : hosts) {
    tcp::endpoint endpoint(host, static_cast<asio::ip::port_type>(port.address.port));
    error_code error;
    UniqueDescriptor listener = listen_on(io, endpoint, error);
    if (error) failure = error;
    if (error == asio::error::address_in_use) break;  // a part of it would be somebody else's
    if (error) continue;
    port.address.port = endpoint.port();
    port.listeners.push_back(std::move(listener));
  }
  if (failure == asio::error::address_in_use) {
    throw UsageError(absl::StrCat("cannot listen on ", to_string(address),
                                  ": the port is in use by another program; choose another (port 0 lets the kernel "
                                  "choose)"));
  }
  if (!port.listeners.empty()) return port;
  throw UsageError(absl::StrCat("cannot listen on ", to_string(address), ": ",
                                failure == error_code(EADDRNOTAVAIL, boost::system::system_category())
                                    ? "the address is not this machine's"
                                    : failure.message()));
}

bool is_known_without_asking(const std::string& host) {
  error_code error;
  asio::ip::make_address(host, error);
  return !error || host == "localhost";
}

bool tcp_answers(const Address& address) {
  asio::io_context io;
  const auto endpoints = resolve(io, address);
  tcp::socket socket(io);
  bool connected = false;
  bool timed_out = true;
  asio::async_connect(socket, endpoints, [&](const error_code& error, const tcp::endpoint&) {
    connected = !error;
    timed_out = false;
  });
  io.run_for(kProbeTimeout);
  return connected || timed_out;
}

}  // namespace tractor
