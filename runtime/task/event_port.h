// The seam between the scheduler and whatever delivers events from outside: a completion queue in production
// (runtime/wire), virtual time in tests (virtual_port.h). The idea is the EventPort of Cap'n Proto's KJ.
//
// One scheduler owns the use of one port. All but ring() belong to the scheduler's thread.
#pragma once

#include "runtime/task/clock.h"

namespace tractor {

class EventPort {
 public:
  virtual ~EventPort() = default;

  // This port's time.
  virtual Clock::time_point now() const = 0;

  // Delivers events: runs the handler of each on the calling thread; handlers wake tasks, they never wait. Returns
  // after at least one event, or ring(), or at `deadline`. With a deadline that has passed it delivers what is there
  // and never waits.
  virtual void poll(Clock::time_point deadline) = 0;

  // Makes the current poll(), or else the next one, return at once. Any thread.
  virtual void ring() = 0;
};

}  // namespace tractor
