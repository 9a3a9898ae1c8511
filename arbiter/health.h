// Asks whoever serves at an address whether it takes calls: what `tractor-arbiter --health ADDRESS` does, for health
// checks of containers and the like. Needs no running actor; blocks for at most `timeout`.
#pragma once

#include <chrono>
#include <string>

namespace tractor::arbiter {

struct Health {
  bool serving = false;
  std::string description = {};  // "SERVING", or what is wrong
};

// UsageError when the address does not parse.
Health ask_health(const std::string& address, std::chrono::milliseconds timeout);

}  // namespace tractor::arbiter
