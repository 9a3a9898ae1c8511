// The TCP ports on which actors are called. UsageError with a way out. Any thread.
#pragma once

#include <vector>

#include "runtime/unique_descriptor.h"
#include "runtime/wire/address.h"

namespace tractor {

// One address that is listened on: a host may have several, of IPv4 and IPv6.
struct TcpPort {
  Address address = {};  // with the port that was chosen
  std::vector<UniqueDescriptor> listeners = {};
};

// On all of the host's addresses that are this machine's; "0.0.0.0" and "::" stand for all of them. Asks for them,
// which may take long unless it is a number.
TcpPort listen_on_tcp(const Address& address);

// Whether the host is a number, or "localhost".
bool is_known_without_asking(const std::string& host);

// Whether something accepts connections there, or stays silent for a second: a host that is down is somebody's, too.
// UsageError when the host cannot be resolved.
bool tcp_answers(const Address& address);

}  // namespace tractor
