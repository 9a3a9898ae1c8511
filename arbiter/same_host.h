// Whether the other end of a connection is on this host. Any thread.
#pragma once

#include <string>

namespace tractor::arbiter {

// `peer`: as gRPC names it, "unix:...", "fd:...", "ipv4:10.0.0.2:4711", "ipv6:[fe80::1]:4711". Over TCP it is when its
// address is one of this machine's.
bool is_same_host(const std::string& peer);

}  // namespace tractor::arbiter
