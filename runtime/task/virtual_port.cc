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
    std::fputs(
        "tractor: deadlock: all tasks wait, no deadline is set, and no other thread is expected to post "
        "(VirtualPort::expect_other_threads)\n",
        stderr);
    if (const Scheduler* scheduler = Scheduler::try_current()) {
      for (const TaskSnapshot& task : scheduler->snapshot()) std::fprintf(stderr, "%s\n", task.describe().c_str());
    }
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
