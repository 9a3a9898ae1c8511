#include "runtime/actor/supervisor_core.h"

#include <algorithm>
#include <mutex>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/actor/nursery_core.h"
#include "runtime/actor/runtime.h"
#include "runtime/log.h"
#include "runtime/metrics/metrics.h"
#include "runtime/process/child.h"
#include "runtime/wire/duration_text.h"
#include "runtime/wire/error_info.h"

namespace tractor {
namespace {

std::string describe_end(const std::exception_ptr& failure) {
  return failure == nullptr ? "ended" : absl::StrCat("failed: ", describe(failure));
}

// Whether it says that the process died, rather than that something in it failed.
bool is_death(const ActorRef& actor, const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const RemoteActorError& error) {
    return is_death_of(actor, error.info());
  } catch (...) {
    return false;
  }
}

}  // namespace

std::exception_ptr supervisor_error(const std::string& message, const std::string& child,
                                    const std::exception_ptr& failure) {
  SupervisorError error(message, child);
  if (failure == nullptr) return std::make_exception_ptr(std::move(error));
  try {
    try {
      std::rethrow_exception(failure);
    } catch (...) {
      std::throw_with_nested(std::move(error));
    }
  } catch (...) {
    return std::current_exception();
  }
}

void check(const SupervisedSpec& spec) {
  if (spec.child.budget < Clock::duration::zero()) {
    throw UsageError(absl::StrCat("child \"", spec.child.name,
                                  "\": the time it has to end when it is stopped is zero "
                                  "(it is killed at once) or more, not ",
                                  duration_text(spec.child.budget)));
  }
  if (spec.child.function) {
    const Function* function = Runtime::current().actor().functions().find(*spec.child.function);
    if (function != nullptr) function->bind({.positional = spec.child.arguments});
  }
}

// --- children ---

void SupervisorCore::add(SupervisedSpec spec) {
  if (phase_ != Phase::kNew) {
    throw UsageError(absl::StrCat("add: the supervisor is open already; start_child() adds child \"", spec.child.name,
                                  "\" to one that is"));
  }
  if (!simple()) {
    check(spec);
    insert(std::move(spec));
  } else if (kind_) {
    throw UsageError(absl::StrCat("add: the children of a simple_one_for_one supervisor are of one kind, which is \"",
                                  kind_->child.name, "\" already; \"", spec.child.name,
                                  "\" needs another supervisor, or another strategy"));
  } else {
    kind_ = std::move(spec);
  }
}

SupervisorCore::Slot* SupervisorCore::find(const std::string& name) {
  const auto found = std::ranges::find_if(slots_, [&](const auto& slot) { return slot->spec.child.name == name; });
  return found == slots_.end() ? nullptr : found->get();
}

const SupervisorCore::Slot* SupervisorCore::find(const std::string& name) const {
  return const_cast<SupervisorCore*>(this)->find(name);
}

SupervisorCore::Slot& SupervisorCore::insert(SupervisedSpec spec) {
  plan_.add({.name = spec.child.name, .restart = spec.restart, .significant = spec.significant});
  return *slots_.emplace_back(std::make_unique<Slot>(Slot{.spec = std::move(spec)}));
}

void SupervisorCore::remove(const std::string& name) {
  plan_.remove(name);
  remove_forgotten();
}

// Those whose specification is gone.
void SupervisorCore::remove_forgotten() {
  std::erase_if(slots_, [this](const auto& slot) { return !plan_.has(slot->spec.child.name); });
  changed_.notify();
}

// --- the block ---

void SupervisorCore::open() {
  Runtime::current();
  if (phase_ != Phase::kNew)
    throw UsageError("open_nursery: a supervisor supervises one block in its life; make another one");
  if (simple() ? !kind_ : slots_.empty()) {
    throw UsageError(absl::StrCat("open_nursery: the supervisor has no ", simple() ? "kind of child" : "children",
                                  ": add() ", simple() ? "it" : "one", " first; only a simple_one_for_one supervisor ",
                                  "starts without a child"));
  }
  if (kind_) check_child_spec(kind_->child);
  for (const auto& slot : slots_) check_child_spec(slot->spec.child);
  phase_ = Phase::kStarting;
}

void SupervisorCore::wait_until_started() {
  changed_.wait_until("the children of a supervisor to start", [this] { return phase_ == Phase::kSupervising; });
}

void SupervisorCore::stop() noexcept {
  stopping_ = true;
  if (starting_ != nullptr) starting_->cancel();
  changed_.notify();
}

// Ends the body, too.
void SupervisorCore::end_block() {
  stop();
  block_.cancel_scope().cancel();
}

void SupervisorCore::must_supervise(const char* caller) const {
  if (phase_ == Phase::kSupervising && !stopping_) return;
  throw UsageError(absl::StrCat(caller, ": the supervisor ",
                                phase_ == Phase::kNew ? "is not open: call it inside open_nursery(supervisor, ...)"
                                                      : "has ended, or is just starting or ending"));
}

// --- the supervisor's task ---

void SupervisorCore::supervise() {
  CancelScope({.shield = true}).run([this] {
    incarnations_.run([this] {
      try {
        start_all();
        follow_children();
      } catch (const Cancelled&) {
        throw;
      } catch (...) {
        if (!stopping_) errors_.push_back(std::current_exception());
        stopping_ = true;
      }
      stop_all();
    });
  });
  phase_ = Phase::kEnded;
  changed_.notify();
  if (errors_.size() > 1) throw ExceptionGroup(std::move(errors_));
  if (!errors_.empty()) std::rethrow_exception(errors_.front());
}

void SupervisorCore::start_all() {
  const std::unique_lock lock(busy_);
  for (const auto& slot : slots_) {
    const std::string& name = slot->spec.child.name;
    launch(*slot);
    plan_.started(name, Clock::now());
  }
  phase_ = Phase::kSupervising;
  changed_.notify();
}

void SupervisorCore::follow_children() {
  while (!stopping_) {
    {
      const std::unique_lock lock(busy_);
      while (!stopping_ && (!ended_.empty() || plan_.next_start() <= Clock::now())) handle_one();
    }
    move_on_at(plan_.next_start(), [this] {
      changed_.wait_until("something to happen to its children", [this] { return stopping_ || !ended_.empty(); });
    });
  }
}

void SupervisorCore::handle_one() {
  if (ended_.empty()) return start_group(plan_.take_due(Clock::now()));
  const End end = std::move(ended_.front());
  ended_.pop_front();
  handle(end);
}

void SupervisorCore::handle(const End& end) {
  const auto found = std::ranges::find_if(slots_, [&](const auto& slot) { return slot->child == end.child; });
  if (found == slots_.end()) return;  // it was stopped, or did not start
  Slot& slot = **found;
  const std::string name = slot.spec.child.name;
  slot.child = nullptr;
  slot.last_failure = end.failure;
  const RestartPlan::Exit exit = end.failure == nullptr ? RestartPlan::Exit::normal : RestartPlan::Exit::abnormal;
  const RestartPlan::Decision decision = plan_.ended(name, exit, Clock::now());
  if (decision.action != RestartPlan::Decision::Action::restart && end.failure != nullptr)
    log::warning(absl::StrCat("child \"", name, "\" of a supervisor ", describe_end(end.failure)));
  obey(decision, name, end.failure);
}

void SupervisorCore::obey(const RestartPlan::Decision& decision, const std::string& name,
                          const std::exception_ptr& failure) {
  const SupervisorOptions& options = plan_.options();
  switch (decision.action) {
    case RestartPlan::Decision::Action::nothing:
      break;
    case RestartPlan::Decision::Action::restart:
      metrics::count(metrics::Counter::restarts);
      log::warning(absl::StrCat(
          "child \"", name, "\" of a supervisor ", describe_end(failure), "; it is started again ",
          decision.pause > Clock::duration::zero() ? absl::StrCat("in ", duration_text(decision.pause)) : "at once",
          decision.stop.empty() ? "" : absl::StrCat("; stopped because of it: ", absl::StrJoin(decision.stop, ", "))));
      for (const std::string& sibling : decision.stop) {
        if (const std::exception_ptr error = end(*find(sibling)))
          log::warning(
              absl::StrCat("child \"", sibling, "\" of a supervisor failed when it was stopped: ", describe(error)));
      }
      break;
    case RestartPlan::Decision::Action::shut_down:
      shut_down_ = true;
      end_block();
      break;
    case RestartPlan::Decision::Action::give_up:
      errors_.push_back(supervisor_error(
          absl::StrCat("a supervisor gives up: child \"", name, "\" ", describe_end(failure),
                       "; that asks for more than ", options.intensity,
                       options.intensity == 1 ? " restart" : " restarts", " within ", duration_text(options.period),
                       ": mend the child, or raise SupervisorOptions.intensity"),
          name, failure));
      end_block();
      break;
  }
  remove_forgotten();
}

void SupervisorCore::start_group(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    Slot* slot = find(name);
    std::exception_ptr failure;
    try {
      launch(*slot);
    } catch (const Cancelled&) {
      throw;
    } catch (...) {
      failure = std::current_exception();
    }
    if (stopping_ && failure != nullptr) return;
    if (failure != nullptr) {
      slot->last_failure = failure;
      return obey(plan_.start_failed(name, Clock::now()), name, failure);
    }
    plan_.started(name, Clock::now());
    changed_.notify();
    if (stopping_) return;
  }
}

void SupervisorCore::stop_all() {
  const std::unique_lock lock(busy_);
  for (const std::string& name : plan_.stop_order()) {
    if (Slot* slot = find(name); slot->child != nullptr) {
      if (const std::exception_ptr error = end(*slot)) errors_.push_back(error);
    }
  }
}

// --- one incarnation ---

// Starts the next one of a child and returns when it serves; throws what kept it from that. busy_ is held.
std::shared_ptr<Child> SupervisorCore::launch(Slot& slot) {
  slot.starting = true;
  const absl::Cleanup over = [&slot] { slot.starting = false; };
  if (slot.ending != nullptr) slot.ending->wait_ended();
  slot.ending = nullptr;
  slot.child = std::make_shared<Child>(Runtime::current().supervision(), slot.spec.child, [](Child& child) {
    if (child.one_shot() && child.settled() && child.failure() == nullptr && !child.ended())
      child.release("its function has returned");
  });
  const std::shared_ptr<Child> child = slot.child;
  incarnations_.start_named("actor " + child->actor().name, [this, child] { follow(child); });
  CancelScope scope;
  starting_ = &scope;
  const absl::Cleanup started = [this] { starting_ = nullptr; };
  if (stopping_) scope.cancel();
  try {
    scope.run([&] { child->wait_started(); });
  } catch (...) {
    child->release("its start was cancelled");
    slot.ending = std::exchange(slot.child, nullptr);
    throw;
  }
  if (scope.cancelled_caught()) {
    child->release("its start was cancelled");
    slot.ending = std::exchange(slot.child, nullptr);
    child->wait_ended();
    throw CallError(ErrorKind::cancelled, absl::StrCat("actor \"", child->actor().name,
                                                       "\" was cancelled before it served: its supervisor ends"));
  }
  if (++slot.starts > 1) {
    Runtime::current().supervision().record({.kind = LedgerEvent::Kind::restarted,
                                             .actor = child->actor(),
                                             .by = Runtime::current().actor().self(),
                                             .message = absl::StrCat("start ", slot.starts, " of this child"),
                                             .pid = child->pid()});
  }
  return child;
}

// In a task of its own, from its launch until it is gone.
void SupervisorCore::follow(const std::shared_ptr<Child>& child) {
  std::exception_ptr failure;
  try {
    child->run();
  } catch (const Cancelled& cancelled) {
    cancelled.absorb();
  } catch (...) {
    failure = std::current_exception();
  }
  ended_.push_back({.child = child, .failure = std::move(failure)});
  changed_.notify();
}

std::exception_ptr SupervisorCore::end(Slot& slot) {
  const std::shared_ptr<Child> child = slot.ending = std::exchange(slot.child, nullptr);
  const bool failed_before = child->failure() != nullptr || child->ended();
  child->release("stopped by its supervisor", Runtime::current().actor().self());
  child->wait_ended();
  slot.ending = nullptr;
  if (child->failure() == nullptr) return nullptr;
  if (!failed_before && !is_death(child->actor(), child->failure())) return child->failure();
  log::warning(absl::StrCat("child \"", child->actor().name, "\" of a supervisor ", describe_end(child->failure())));
  return nullptr;
}

}  // namespace tractor
