// A task that belongs to an object, such as a stream, and not to a block: it ends when its owner goes, at the latest.
//
// Its task lives inside the scope in which it was started, which cancels it; when its owner has moved out of that
// scope's block, inside the one around it. Loop thread only; ends in a task.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "runtime/task/task_nursery.h"

namespace tractor {

class BackgroundTask {
 public:
  // Starts a task that runs `fn`. Not a checkpoint.
  template <class F>
  BackgroundTask(std::string name, F fn) {
    start(std::move(name), std::make_unique<detail::WorkOf<F>>(std::move(fn)));
  }
  BackgroundTask(const BackgroundTask&) = delete;
  BackgroundTask& operator=(const BackgroundTask&) = delete;
  // As end(); what that would throw goes to the log and to the innermost nursery that is open here.
  ~BackgroundTask();

  // Cancellation from outside does not reach the task from now on; end() does.
  void shield() { nursery_.cancel_scope().set_shield(true); }

  // Those that are left when the program ends, kept by what lives longer: by the scheduler's root task.
  static void end_all();

  // Cancels the task and waits until it has ended, also when this task is cancelled. Throws what it failed with, once.
  void end();

 private:
  void start(std::string name, std::unique_ptr<detail::Work> work);

  TaskNursery nursery_;  // without a body
};

}  // namespace tractor
