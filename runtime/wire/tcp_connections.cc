#include "runtime/wire/tcp_connections.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "runtime/task/scheduler.h"

namespace tractor {
namespace {

namespace ip = boost::asio::ip;

// "ipv4:10.0.0.2:4711", "ipv6:[fe80::1]:4711"; empty for what is not connected over TCP.
std::string peer_of(int descriptor) {
  ip::tcp::endpoint endpoint;
  auto size = static_cast<socklen_t>(endpoint.capacity());
  if (getpeername(descriptor, endpoint.data(), &size) != 0) return "";
  endpoint.resize(size);
  ip::address address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) address = ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address.is_v4() ? absl::StrCat("ipv4:", address.to_string(), ":", endpoint.port())
                         : absl::StrCat("ipv6:[", address.to_string(), "]:", endpoint.port());
}

}  // namespace

void TcpConnections::add(int descriptor) {
  const std::string peer = peer_of(descriptor);
  const std::lock_guard lock(mutex_);
  std::string& known = by_descriptor_[descriptor];
  if (const auto old = by_peer_.find(known); old != by_peer_.end() && old->second == descriptor) by_peer_.erase(old);
  known = peer;
  by_peer_[peer] = descriptor;
}

UniqueDescriptor TcpConnections::find(const std::string& peer) const {
  const std::string plain = absl::StrReplaceAll(peer, {{"%5B", "["}, {"%5D", "]"}, {"%25", "%"}});
  const std::lock_guard lock(mutex_);
  const auto found = by_peer_.find(plain);
  if (found == by_peer_.end()) return {};
  UniqueDescriptor copy(fcntl(found->second, F_DUPFD_CLOEXEC, 0));
  if (copy && peer_of(copy.get()) != plain) copy.reset();  // the number is another's by now
  return copy;
}

bool TcpConnections::wait_until_silent(const std::string& peer, Clock::duration limit) const {
  while (true) {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (getsockopt(find(peer).get(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
    const std::chrono::milliseconds silent(std::min(info.tcpi_last_data_recv, info.tcpi_last_data_sent));
    if (silent > limit) return true;
    sleep(limit - silent + std::chrono::milliseconds(10));
  }
}

void TcpConnections::cut_off(const std::string& peer) const { shutdown(find(peer).get(), SHUT_RDWR); }

}  // namespace tractor
