// Who is the arbiter: the first program at an address becomes it, the others join.
//
// A unix address is guarded by a lock file beside the socket (a second server could bind the same path), a TCP address
// by the port itself.
#pragma once

#include <string>
#include <vector>

#include "runtime/unique_descriptor.h"
#include "runtime/wire/address.h"

namespace tractor::arbiter {

struct Claim {
  Claim() = default;
  Claim(Claim&&) = default;
  Claim& operator=(Claim&&) = default;
  // Removes the socket of a unix address that is ours.
  ~Claim();

  Address address = {};
  bool ours = false;                             // we are to serve it
  UniqueDescriptor lock = {};                    // of a unix address that is ours, held as long as we serve
  std::vector<UniqueDescriptor> listeners = {};  // of an address that is ours
};

// "unix:<runtime directory>/arbiter.sock".
std::string default_address();

// UsageError when the address does not parse, or something that is no arbiter of ours holds it. Blocks for at most a
// second: before the scheduler runs.
Claim claim(const std::string& address);

// The same of one whose arbiter has gone, at once. It is not ours when another has taken it meanwhile, nor when it is
// another machine's: of TCP, it is this machine's when it can be bound, and begins with a number or "localhost".
Claim reclaim(const Address& address);

// Whether nobody serves that address, so that it can be claimed. UsageError when its host cannot be resolved.
bool is_vacant(const Address& address);

}  // namespace tractor::arbiter
