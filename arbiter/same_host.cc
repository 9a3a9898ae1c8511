#include "arbiter/same_host.h"

#include <ifaddrs.h>

#include <array>
#include <boost/asio/ip/address.hpp>
#include <memory>

#include "absl/strings/str_replace.h"

namespace tractor::arbiter {
namespace {

namespace ip = boost::asio::ip;

// Of "ipv4:ADDRESS:PORT" or "ipv6:[ADDRESS]:PORT", whose brackets may be escaped.
ip::address address_of(const std::string& peer) {
  const std::string text = absl::StrReplaceAll(peer, {{"%5B", "["}, {"%5D", "]"}, {"%25", "%"}});
  const std::size_t begin = text.find(':') + 1;
  const std::size_t end = text.rfind(':');
  if (begin == 0 || end <= begin) return {};
  std::string host = text.substr(begin, end - begin);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  ip::address address = ip::make_address(host.substr(0, host.find('%')), error);
  if (address.is_v6() && address.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return address;
}

ip::address address_of(const sockaddr& from) {
  if (from.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
    return ip::address_v4(ntohl(v4.sin_addr.s_addr));
  }
  if (from.sa_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
    return ip::address_v6(std::to_array(v6.sin6_addr.s6_addr));
  }
  return {};
}

}  // namespace

bool is_same_host(const std::string& peer) {
  if (peer.starts_with("unix:") || peer.starts_with("fd:")) return true;
  const ip::address address = address_of(peer);
  if (address.is_unspecified()) return false;
  if (address.is_loopback()) return true;
  ifaddrs* interfaces = nullptr;
  if (getifaddrs(&interfaces) != 0) return false;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> free(interfaces, freeifaddrs);
  for (const ifaddrs* entry = interfaces; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr != nullptr && address_of(*entry->ifa_addr) == address) return true;
  }
  return false;
}

}  // namespace tractor::arbiter
