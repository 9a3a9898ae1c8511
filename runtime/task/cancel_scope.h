// A cancel scope bounds a block: cancelling it makes every checkpoint inside the block, in this task and in all tasks
// of nurseries opened inside it, throw Cancelled until the block is left. The rules are trio's.
//
// Lives on the stack of the task that runs it; loop thread only. Cancellation is level-triggered: it stays until the
// scope is left.
//   effectively_cancelled = cancel_called || (!shield && parent.effectively_cancelled)
// A scope absorbs Cancelled only when it is the outermost cancelled one. Common mistake: awaiting clean-up inside a
// cancelled scope; run it in CancelScope({.shield = true}) instead, with a deadline.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "runtime/task/clock.h"
#include "runtime/task/error.h"

namespace tractor {

class Task;
class Scheduler;
namespace detail {
class Start;
}

using ScopedTaskHook = boost::intrusive::list_base_hook<boost::intrusive::tag<struct ScopedTaskTag>>;

// An entry in the scheduler's deadlines: `fire` runs on the loop once, at or after the time, unless disarmed before.
// Loop thread only; disarms itself when it goes.
class Timer : public boost::intrusive::set_base_hook<boost::intrusive::optimize_size<true>> {
 public:
  explicit Timer(void (*fire)(Timer&)) : fire_(fire) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { disarm(); }

  // Moves the time when it is armed already. kNever disarms.
  void arm(Clock::time_point at);
  void disarm() noexcept;
  Clock::time_point at() const { return at_; }

  friend bool operator<(const Timer& a, const Timer& b) { return a.at_ < b.at_; }

 private:
  friend class Scheduler;
  void (*fire_)(Timer&);
  Clock::time_point at_ = Clock::kNever;
  Scheduler* scheduler_ = nullptr;
};

class CancelScope : public boost::intrusive::list_base_hook<> {
 public:
  struct Options {
    Clock::time_point deadline = Clock::kNever;  // cancels the scope when it passes
    bool shield = false;                         // cancellation from outside does not reach in
  };

  CancelScope() : CancelScope(Options{}) {}
  explicit CancelScope(Options options);
  // Only a scope that is not entered may move: so that move_on_after can return the one it ran.
  CancelScope(CancelScope&& other);
  CancelScope& operator=(CancelScope&&) = delete;
  ~CancelScope();

  // Runs `body` inside the scope, once in this scope's life. A Cancelled that this scope caused ends here. Returns
  // nothing for a void body, else the body's value, empty when the scope cut it short. Not a checkpoint itself.
  template <class F>
  auto run(F&& body) {
    using R = std::invoke_result_t<F&>;
    enter();
    if constexpr (std::is_void_v<R>) {
      try {
        body();
      } catch (const Cancelled& cancelled) {
        if (!leave(true)) throw;
        cancelled.absorb();
        return;
      } catch (...) {
        leave(false);
        throw;
      }
      leave(false);
    } else {
      std::optional<R> value;
      try {
        value.emplace(body());
      } catch (const Cancelled& cancelled) {
        if (!leave(true)) throw;
        cancelled.absorb();
        return value;
      } catch (...) {
        leave(false);
        throw;
      }
      leave(false);
      return value;
    }
  }

  // Cancels it; idempotent; also before it is entered (its first checkpoint then throws) and after (nothing happens).
  // UsageError from another thread while it is entered.
  void cancel();
  bool cancel_called() const { return cancel_called_; }
  // Whether run() ended because of this scope's cancellation.
  bool cancelled_caught() const { return caught_; }
  // Whether a checkpoint directly inside it throws now.
  bool effectively_cancelled() const { return effective_; }

  Clock::time_point deadline() const { return deadline_; }
  void set_deadline(Clock::time_point deadline);
  bool shield() const { return shield_; }
  void set_shield(bool shield);

 private:
  friend class Task;
  friend class TaskNursery;
  friend class BackgroundTask;
  friend class detail::Start;
  friend Clock::time_point current_effective_deadline();

  void enter();
  // Opens it inside the current task's scope, for other tasks than that.
  void open();
  // Leaves the scope; with `cancelled`, whether this scope absorbs it.
  bool leave(bool cancelled);
  bool parent_is_cancelled() const { return parent_ != nullptr && !shield_ && parent_->effective_; }
  bool is_cancelled() const { return cancel_called_ || parent_is_cancelled(); }
  // Recomputes effective_ here and below, and tells tasks that are newly cancelled.
  void refresh();
  // Makes everything directly inside this scope, but the task that entered it, be inside `other` (which may be null)
  // instead.
  void hand_over_to(CancelScope* other);

  struct DeadlineTimer : Timer {
    explicit DeadlineTimer(CancelScope& s);
    CancelScope& scope;
  };
  // The hooks are named because neither class is complete here.
  using ScopeList = boost::intrusive::list<CancelScope, boost::intrusive::base_hook<boost::intrusive::list_base_hook<>>,
                                           boost::intrusive::constant_time_size<false>>;
  using TaskList = boost::intrusive::list<Task, boost::intrusive::base_hook<ScopedTaskHook>,
                                          boost::intrusive::constant_time_size<false>>;

  CancelScope* parent_ = nullptr;
  ScopeList children_;
  TaskList tasks_;              // those whose innermost scope this is; kept by Task
  Task* entered_by_ = nullptr;  // null for one that is open for other tasks
  DeadlineTimer timer_;
  Clock::time_point deadline_;
  bool shield_;
  bool cancel_called_ = false;
  bool caught_ = false;
  bool effective_ = false;
  bool used_ = false;
  bool open_ = false;
};

// The deadline that binds the current task: the earliest of its scopes up to the innermost shield;
// Clock::time_point::min() when it is cancelled already, kNever when there is none.
Clock::time_point current_effective_deadline();
// Whether its next checkpoint throws.
bool currently_cancelled();

// Runs `body` for at most `timeout` (or until `deadline`) and then goes on after it; ask the returned scope's
// cancelled_caught().
template <class F>
CancelScope move_on_at(Clock::time_point deadline, F&& body) {
  CancelScope scope({.deadline = deadline});
  scope.run([&] { static_cast<void>(body()); });
  return scope;
}
template <class F>
CancelScope move_on_after(Clock::duration timeout, F&& body) {
  return move_on_at(deadline_after(timeout), std::forward<F>(body));
}

// Runs `body` and returns its value; throws TooSlowError when it was cut short by the timeout.
template <class F>
auto fail_at(Clock::time_point deadline, F&& body) {
  CancelScope scope({.deadline = deadline});
  if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
    scope.run(body);
    if (scope.cancelled_caught()) throw TooSlowError("the block did not end before its deadline");
  } else {
    auto value = scope.run(body);
    if (!value) throw TooSlowError("the block did not end before its deadline");
    return std::move(*value);
  }
}
template <class F>
auto fail_after(Clock::duration timeout, F&& body) {
  return fail_at(deadline_after(timeout), std::forward<F>(body));
}

}  // namespace tractor
