#include "runtime/task/virtual_port.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "runtime/task/scheduler.h"

namespace tractor {

void VirtualPort::poll(Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  if (std::exchange(rung_, false) || deadline <= now_) return;
  if (deadline != Clock::kNever) {
    now_ = deadline;
    return;
  }
  if (!other_threads_) {
    const Scheduler* scheduler = Scheduler::try_current();
    std::fprintf(stderr,
                 "tractor: deadlock: all tasks wait, no deadline is set, and no other thread is expected to post "
                 "(VirtualPort::expect_other_threads)\n%s",
                 scheduler != nullptr ? scheduler->describe_tasks().c_str() : "");
    std::abort();
  }
  rings_.wait(lock, [this] { return rung_; });
  rung_ = false;
}

void VirtualPort::ring() {
  const std::lock_guard lock(mutex_);
  rung_ = true;
  rings_.notify_one();
}

}  // namespace tractor
