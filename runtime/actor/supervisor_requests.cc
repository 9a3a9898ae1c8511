#include <algorithm>
#include <mutex>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "runtime/actor/nursery_core.h"
#include "runtime/actor/runtime.h"
#include "runtime/actor/supervisor_core.h"
#include "runtime/process/child.h"

namespace tractor {

// --- what others ask for ---

std::shared_ptr<Child> SupervisorCore::start_child(SupervisedSpec spec) {
  const std::unique_lock lock(busy_);
  must_supervise("start_child");
  if (simple()) {
    throw UsageError(absl::StrCat("start_child: the children of a simple_one_for_one supervisor are all of the kind \"",
                                  kind_->child.name,
                                  "\": start_child() takes a name and the arguments that come after "
                                  "the kind's own"));
  }
  return launch_new(std::move(spec));
}

std::shared_ptr<Child> SupervisorCore::start_another(const std::string& name, Value::List more_arguments) {
  const std::unique_lock lock(busy_);
  must_supervise("start_child");
  if (!kind_)
    throw UsageError("start_child: what child \"" + name +
                     "\" is must be said, with ChildOptions or a function: only the "
                     "children of a simple_one_for_one supervisor are all of one kind");
  SupervisedSpec spec = *kind_;
  spec.child.name = name;
  for (Value& argument : more_arguments) spec.child.arguments.push_back(std::move(argument));
  if (!spec.child.function && !more_arguments.empty())
    throw UsageError("start_child: the children of this supervisor run no function that could take arguments");
  return launch_new(std::move(spec));
}

std::shared_ptr<Child> SupervisorCore::launch_new(SupervisedSpec spec) {
  check(spec);
  check_child_spec(spec.child);
  const std::string name = spec.child.name;
  Slot& slot = insert(std::move(spec));
  const absl::Cleanup notify = [this] { changed_.notify(); };
  try {
    const std::shared_ptr<Child> child = launch(slot);
    plan_.started(name, Clock::now());
    return child;
  } catch (...) {
    remove(name);
    throw;
  }
}

void SupervisorCore::terminate_child(const std::string& name) {
  const std::unique_lock lock(busy_);
  must_supervise("terminate_child");
  plan_.check_can_terminate(name);
  plan_.terminated(name);
  const absl::Cleanup removed = [this] { remove_forgotten(); };
  Slot& slot = *find(name);
  if (slot.child == nullptr) return;
  if (const std::exception_ptr error = end(slot)) std::rethrow_exception(error);
}

std::shared_ptr<Child> SupervisorCore::restart_child(const std::string& name) {
  const std::unique_lock lock(busy_);
  must_supervise("restart_child");
  plan_.check_can_restart(name);
  const absl::Cleanup notify = [this] { changed_.notify(); };
  std::shared_ptr<Child> child = launch(*find(name));
  plan_.started(name, Clock::now());
  return child;
}

void SupervisorCore::delete_child(const std::string& name) {
  const std::unique_lock lock(busy_);
  must_supervise("delete_child");
  plan_.check_can_delete(name);
  remove(name);
}

std::vector<SupervisedChild> SupervisorCore::which_children() const {
  std::vector<SupervisedChild> children;
  for (const std::string& name : plan_.names()) {
    const Slot& slot = *find(name);
    SupervisedChild child{.name = name,
                          .state = plan_.state(name),
                          .type = slot.spec.type,
                          .restart = slot.spec.restart,
                          .restarts = std::max(0, slot.starts - 1)};
    if (child.state == RestartPlan::State::running && slot.child != nullptr) {
      child.actor = slot.child->actor();
      if (slot.child->alive()) child.pid = slot.child->pid();
    }
    children.push_back(std::move(child));
  }
  return children;
}

ChildCounts SupervisorCore::count_children() const {
  ChildCounts counts{.specs = simple() ? 1 : plan_.specifications()};
  for (const SupervisedChild& child : which_children()) {
    if (child.state == RestartPlan::State::running) ++counts.active;
    ++(child.type == ChildType::supervisor ? counts.supervisors : counts.workers);
  }
  return counts;
}

std::shared_ptr<Child> SupervisorCore::wait_for(const std::string& name) {
  checkpoint();
  if (phase_ == Phase::kNew) must_supervise("portal");
  if (find(name) == nullptr) plan_.state(name);  // throws
  std::exception_ptr last_failure;
  std::shared_ptr<Child> child;
  changed_.wait_until("a supervised actor to be there again", [&] {
    const Slot* slot = find(name);
    if (slot == nullptr || stopping_) return true;
    last_failure = slot->last_failure;
    const RestartPlan::State state = plan_.state(name);
    if (state == RestartPlan::State::running && slot->child != nullptr && slot->child->alive()) child = slot->child;
    const bool will_not_come = state == RestartPlan::State::stopped && !slot->starting;
    return child != nullptr || (will_not_come && phase_ == Phase::kSupervising);
  });
  if (child != nullptr) return child;
  std::rethrow_exception(supervisor_error(
      absl::StrCat("child \"", name, "\" of a supervisor will not come back: ",
                   stopping_ ? "the supervisor has ended, or is ending" : "it has ended, or was terminated",
                   last_failure == nullptr ? "" : absl::StrCat("; its last failure: ", describe(last_failure))),
      name, last_failure));
}

}  // namespace tractor
