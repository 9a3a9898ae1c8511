#include "runtime/task/clock.h"

#include "runtime/task/scheduler_state.h"

namespace tractor {

Clock::time_point Clock::now() {
  if (const Scheduler* scheduler = Scheduler::try_current()) return Scheduler::State::of(*scheduler).port.now();
  return time_point(std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

Clock::time_point deadline_after(Clock::duration delay) {
  const Clock::time_point now = Clock::now();
  return delay > Clock::kNever - now ? Clock::kNever : now + delay;  // no clock here is negative
}

}  // namespace tractor
