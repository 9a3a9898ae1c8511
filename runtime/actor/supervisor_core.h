// A supervisor without types: the block that owns children which are started again when they end.
// sdk/include/tractor/supervisor.h puts the types on it.
//
// One task, shielded, carries out what the RestartPlan decides, one thing at a time; each incarnation of a child has a
// task of its own beside it, so that a failure of one concerns no other. What others ask for (start_child and so on)
// happens in their own tasks, under the same lock. Children are started left to right and stopped right to left, one
// after the other, when the body has ended, was cancelled, or the supervisor gives up; nothing outlives the block.
// Lives on the opener's stack; loop thread only.
#pragma once

#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/actor/restart_plan.h"
#include "runtime/process/child_spec.h"
#include "runtime/task/condition.h"
#include "runtime/task/sync.h"
#include "runtime/task/task_nursery.h"
#include "runtime/wire/remote_error.h"

namespace tractor {

class Child;

// A supervisor had more failures than it may have, or a child that is asked for will not come back. Where the last
// failure of that child is known, this is thrown with it nested: std::rethrow_if_nested throws it.
class SupervisorError : public Error {
 public:
  SupervisorError(const std::string& message, std::string child) : Error(message), child_(std::move(child)) {}
  // The child's name.
  const std::string& child() const { return child_; }

 private:
  std::string child_;
};

enum class ChildType { worker, supervisor };

// With the child's last failure nested in it, where there is one.
std::exception_ptr supervisor_error(const std::string& message, const std::string& child,
                                    const std::exception_ptr& failure);

struct SupervisedSpec {
  ChildSpec child = {};  // its budget is the time it has to end when it is stopped; zero: it is killed at once
  Restart restart = Restart::permanent;
  bool significant = false;
  ChildType type = ChildType::worker;
};

// UsageError when its time to end is negative, CallError when its function cannot be called with its arguments.
void check(const SupervisedSpec& spec);

// A child as Supervisor::which_children() tells of it.
struct SupervisedChild {
  std::string name = {};
  RestartPlan::State state = RestartPlan::State::stopped;
  ActorRef actor = {};          // of the one that runs
  std::optional<int> pid = {};  // likewise; empty when it is known to be dead, or on its way out
  ChildType type = ChildType::worker;
  Restart restart = Restart::permanent;
  int restarts = 0;  // how often it was started again
};

struct ChildCounts {
  int specs = 0;   // for simple_one_for_one 1: that of all
  int active = 0;  // that run
  int supervisors = 0;
  int workers = 0;
  bool operator==(const ChildCounts&) const = default;
};

class SupervisorCore {
 public:
  explicit SupervisorCore(SupervisorOptions options) : plan_(std::move(options)) {}

  // Before it is opened: a child, or the kind of all children of a simple_one_for_one. UsageError.
  void add(SupervisedSpec spec);

  // What Supervisor's functions of these names do; all but which_children and count_children are checkpoints.
  std::shared_ptr<Child> start_child(SupervisedSpec spec);
  std::shared_ptr<Child> start_another(const std::string& name, Value::List more_arguments);
  void terminate_child(const std::string& name);
  std::shared_ptr<Child> restart_child(const std::string& name);
  void delete_child(const std::string& name);
  std::vector<SupervisedChild> which_children() const;
  ChildCounts count_children() const;
  // The child of that name as it runs now; waits while it is being restarted.
  std::shared_ptr<Child> wait_for(const std::string& name);

  void cancel() { block_.cancel_scope().cancel(); }
  bool cancelled() const { return cancelled_from_outside_ || block_.cancel_scope().cancel_called(); }
  // Whether the end of significant children ended it.
  bool shut_down() const { return shut_down_; }

  template <class F>
  auto run(F&& body) {
    open();
    try {
      return block_.run([&] {
        block_.start_named("supervisor", [this] { supervise(); });
        const BodyEnd end(*this);
        wait_until_started();
        return body();
      });
    } catch (const Cancelled&) {
      cancelled_from_outside_ = true;
      throw;
    }
  }

 private:
  enum class Phase { kNew, kStarting, kSupervising, kEnded };
  struct BodyEnd {
    explicit BodyEnd(SupervisorCore& s) : supervisor(s) {}
    BodyEnd(const BodyEnd&) = delete;
    BodyEnd& operator=(const BodyEnd&) = delete;
    ~BodyEnd() { supervisor.stop(); }
    SupervisorCore& supervisor;
  };
  struct Slot {
    SupervisedSpec spec;
    std::shared_ptr<Child> child = {};   // the incarnation that runs, or is being started
    std::shared_ptr<Child> ending = {};  // one that was stopped, whose end nobody has waited for
    std::exception_ptr last_failure = {};
    int starts = 0;
    bool starting = false;
  };
  struct End {
    std::shared_ptr<Child> child;
    std::exception_ptr failure;
  };

  void open();
  void wait_until_started();
  void stop() noexcept;
  void must_supervise(const char* caller) const;
  bool simple() const { return plan_.options().strategy == Strategy::simple_one_for_one; }
  Slot* find(const std::string& name);
  const Slot* find(const std::string& name) const;
  Slot& insert(SupervisedSpec spec);
  void remove(const std::string& name);
  void remove_forgotten();

  // --- the supervisor's task ---
  void supervise();
  void start_all();
  void follow_children();
  void handle_one();
  void handle(const End& end);
  void start_group(const std::vector<std::string>& names);
  void obey(const RestartPlan::Decision& decision, const std::string& name, const std::exception_ptr& failure);
  void end_block();
  void stop_all();

  // --- one incarnation ---
  std::shared_ptr<Child> launch(Slot& slot);
  std::shared_ptr<Child> launch_new(SupervisedSpec spec);
  void follow(const std::shared_ptr<Child>& child);
  // Returns when it is gone; what it failed with meanwhile. One that died instead of ending in order is gone, too: as
  // in OTP, that goes to the log.
  std::exception_ptr end(Slot& slot);

  RestartPlan plan_;
  std::optional<SupervisedSpec> kind_;  // of the children of a simple_one_for_one
  std::vector<std::unique_ptr<Slot>> slots_;
  TaskNursery block_;         // the body, and the supervisor's task
  TaskNursery incarnations_;  // inside that task's shield
  Lock busy_;                 // held by whoever starts or stops children
  Condition changed_;
  std::deque<End> ended_;  // and not handled
  CancelScope* starting_ = nullptr;
  std::vector<std::exception_ptr> errors_;
  Phase phase_ = Phase::kNew;
  bool stopping_ = false;
  bool shut_down_ = false;
  bool cancelled_from_outside_ = false;
};

}  // namespace tractor
