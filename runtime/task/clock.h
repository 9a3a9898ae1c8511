// The clock of tasks: deadlines and sleeps are measured on it.
//
// In production it is the monotonic clock of this machine. Where a scheduler runs on virtual time (tests), it is that
// scheduler's time, so code under test never waits. Never compare time points of two processes: send the time that is
// left instead.
#pragma once

#include <chrono>

namespace tractor {

struct Clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;

  // The running scheduler's time; outside a scheduler the machine's monotonic clock. Any thread.
  static time_point now();

  // "No deadline": later than any other time point.
  static constexpr time_point kNever = time_point::max();
};

// `now + delay`, or kNever where that would overflow. A negative delay gives a time that has passed.
Clock::time_point deadline_after(Clock::duration delay);

}  // namespace tractor
