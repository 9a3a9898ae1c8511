// An actor nursery without types: the block that owns child actors. sdk/include/tractor/actor_nursery.h puts the types
// on it.
//
// Each child has a task in a task nursery, so that trio's rules hold for processes as they do for tasks: the first
// failure of a child cancels its siblings and the body at once, each failure is thrown once, and nothing outlives the
// block. One-shot actors go on serving until their function returned, the body ended, and every one-shot sibling
// returned. Lives on the opener's stack; loop thread only.
#pragma once

#include <memory>
#include <vector>

#include "runtime/process/child_spec.h"
#include "runtime/task/task_nursery.h"

namespace tractor {

class Child;

// UsageError when this program cannot have such a child: its name, labels, statespace, modules (which must exist).
void check_child_spec(const ChildSpec& spec);

class NurseryCore {
 public:
  // Starts a child and returns when it serves; throws why it never will. A checkpoint. The modules must exist in this
  // program.
  std::shared_ptr<Child> start(ChildSpec spec);

  void cancel() { tasks_.cancel_scope().cancel(); }
  // By cancel(), by a failure, or from outside.
  bool cancelled() const { return cancelled_from_outside_ || tasks_.cancel_scope().cancel_called(); }

  template <class F>
  auto run(F&& body) {
    try {
      return tasks_.run([&] {
        if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
          body();
          body_ended();
        } else {
          auto value = body();
          body_ended();
          return value;
        }
      });
    } catch (const Cancelled&) {
      cancelled_from_outside_ = true;
      throw;
    }
  }

 private:
  void body_ended();
  void child_changed(Child& child);
  void release_if_done();

  TaskNursery tasks_;
  std::vector<std::shared_ptr<Child>> children_;  // that have not ended
  bool body_ended_ = false;
  bool cancelled_from_outside_ = false;
};

}  // namespace tractor
