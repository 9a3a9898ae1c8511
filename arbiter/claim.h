// Who is the arbiter: the first program at an address becomes it, the others join.
//
// A unix address is guarded by a lock file beside the socket (a second server could bind the same path), a TCP address
// by the port itself. Blocks for at most a second; before the scheduler runs.
#pragma once

#include <string>

#include "runtime/process/runtime_directory.h"
#include "runtime/wire/address.h"

namespace tractor::arbiter {

struct Claim {
  Claim() = default;
  Claim(Claim&&) = default;
  Claim& operator=(Claim&&) = default;
  // Removes the socket of a unix address that is ours.
  ~Claim();

  Address address = {};
  bool ours = false;               // we are to serve it
  UniqueDescriptor lock = {};      // of a unix address that is ours, held as long as we serve
  UniqueDescriptor listener = {};  // of a unix address that is ours
};

// "unix:<runtime directory>/arbiter.sock".
std::string default_address();

// UsageError when the address does not parse, or something that is no arbiter of ours holds it.
Claim claim(const std::string& address);

// Whether nobody serves that address, so that it can be claimed. UsageError when its host cannot be resolved.
bool is_vacant(const Address& address);

}  // namespace tractor::arbiter
