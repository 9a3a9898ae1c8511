// What the tasks of a scheduler are doing at this moment, for dumps and messages.
#pragma once

#include <string>
#include <vector>

#include "runtime/task/clock.h"

namespace tractor {

struct TaskSnapshot {
  std::string name;       // "say_hello#12"
  int depth = 0;          // below the root task, by whose nursery they are in
  std::string waits_for;  // "Event"; empty when it runs or is ready to
  // How long it waits already; what it computed just before, since the loop looked at the clock, counts, too.
  Clock::duration since{};
  bool running = false;
  bool cancelled = false;
  std::vector<void*> stack;  // return addresses, innermost first; empty before it has begun

  // "say_hello#12 waits for an Event, for 1.204 s, cancelled", indented by its depth.
  std::string describe() const;
};

}  // namespace tractor
