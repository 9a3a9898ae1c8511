// Runs a function as the root task of a scheduler on virtual time. Returns when it has ended; throws what it threw.
#pragma once

#include <functional>
#include <utility>

#include "runtime/task/scheduler.h"
#include "runtime/task/virtual_port.h"

namespace tractor {

inline void run_virtual(std::function<void()> main) {
  VirtualPort port;
  Scheduler scheduler(port);
  scheduler.run(std::move(main));
}

// The same where other threads post: waiting without a deadline blocks.
inline void run_with_threads(std::function<void()> main) {
  VirtualPort port;
  port.expect_other_threads(true);
  Scheduler scheduler(port);
  scheduler.run(std::move(main));
}

}  // namespace tractor
