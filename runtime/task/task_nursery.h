// A task nursery: the block that owns concurrent tasks. It ends when its body and all its tasks have ended; a task or
// body that fails cancels the rest.
//
// Lives on the opener's stack; loop thread only. The wait at its end never gives up: cancelled from outside, it cancels
// its tasks and goes on waiting. One error is rethrown as itself (unlike today's trio), several as an ExceptionGroup,
// the same exception object once; Cancelled never hides an error. Common mistake: capturing the body's locals by
// reference in a task; they are gone before the tasks are joined. Capture by reference only what lives outside the
// open_task_nursery call.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "runtime/task/cancel_scope.h"

namespace tractor {

class Waiter;

namespace detail {

// A function object that runs once; move-only ones too (std::move_only_function is C++23).
struct Work {
  virtual ~Work() = default;
  virtual void run() = 0;
};
template <class F>
struct WorkOf final : Work {
  explicit WorkOf(F f) : fn(std::move(f)) {}
  void run() override { std::invoke(fn); }
  F fn;
};

class Start;

}  // namespace detail

// How a task that TaskNursery::start runs says that it is ready: the starter goes on and the task moves to the nursery.
// started() is no checkpoint; the second time it is a UsageError.
template <class T>
class TaskStatus {
 public:
  TaskStatus(detail::Start& start, std::optional<T>& value) : start_(&start), value_(&value) {}
  TaskStatus(const TaskStatus&) = delete;
  TaskStatus& operator=(const TaskStatus&) = delete;

  void started(T value);

 private:
  detail::Start* start_;  // null when the task has told; what these two point to may be gone then
  std::optional<T>* value_;
};
template <>
class TaskStatus<void> {
 public:
  explicit TaskStatus(detail::Start& start) : start_(&start) {}
  TaskStatus(const TaskStatus&) = delete;
  TaskStatus& operator=(const TaskStatus&) = delete;

  void started();

 private:
  detail::Start* start_;
};

class TaskNursery {
 public:
  TaskNursery() = default;
  TaskNursery(const TaskNursery&) = delete;
  TaskNursery& operator=(const TaskNursery&) = delete;

  // Starts a task that runs fn(args...), decay-copied as by std::thread. It runs first at the caller's next checkpoint.
  // Not a checkpoint. Throws UsageError when the nursery has ended.
  template <class F, class... Args>
  void start_soon(F&& fn, Args&&... args) {
    if constexpr (sizeof...(Args) == 0) {
      spawn({}, std::forward<F>(fn));
    } else {
      spawn({}, [fn = std::decay_t<F>(std::forward<F>(fn)),
                 args = std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...)]() mutable {
        std::apply([&](auto&... a) { std::invoke(std::move(fn), std::move(a)...); }, args);
      });
    }
  }
  // The same with a name for logs and dumps.
  template <class F>
  void start_named(std::string name, F&& fn) {
    spawn(std::move(name), std::forward<F>(fn));
  }

  // Starts a task that runs fn(status, args...), `status` being a TaskStatus<T>&, and waits until it is ready:
  //   const int port = nursery.start<int>([](TaskStatus<int>& status) {
  //     Server server;
  //     status.started(server.port());
  //     server.serve();
  //   });
  // Returns what the task gives to status.started(). A checkpoint. Until then the task lives inside this call: in the
  // caller's scopes, not the nursery's (which stays open meanwhile), and what it fails with is thrown here; cancelled,
  // the call cancels the task and waits for its end. UsageError when the task returns without having called started().
  template <class T = void, class F, class... Args>
  T start(F&& fn, Args&&... args);

  CancelScope& cancel_scope() { return scope_; }
  const CancelScope& cancel_scope() const { return scope_; }
  // Those that are being started count, too.
  int task_count() const { return pending_; }

  // Runs `body` with the nursery open and closes it; see open_task_nursery. Once in a nursery's life.
  template <class F>
  auto run(F&& body) {
    using R = std::invoke_result_t<F&>;
    open();
    if constexpr (std::is_void_v<R>) {
      bool cancelled = false;
      std::exception_ptr error;
      try {
        body();
      } catch (const Cancelled& caught) {
        caught.absorb();
        cancelled = true;
      } catch (...) {
        error = std::current_exception();
      }
      close(cancelled, std::move(error));
    } else {
      std::optional<R> value;
      bool cancelled = false;
      std::exception_ptr error;
      try {
        value.emplace(body());
      } catch (const Cancelled& caught) {
        caught.absorb();
        cancelled = true;
      } catch (...) {
        error = std::current_exception();
      }
      close(cancelled, std::move(error));
      if (!value) throw NurseryCancelled("the nursery was cancelled before its body had returned a value");
      return std::move(*value);
    }
  }

 private:
  friend class Task;
  friend class BackgroundTask;
  friend class detail::Start;

  void open();
  // Waits for the tasks, leaves the scope, throws what is left to throw.
  void close(bool cancelled, std::exception_ptr error);
  // What the tasks have failed with so far, as one; null for nothing.
  std::exception_ptr take_errors();
  // Keeps what the body or a task ended with and cancels the rest, unless it ended well.
  void record(bool cancelled, std::exception_ptr error);
  template <class F>
  void spawn(std::string name, F&& fn) {
    spawn_work(std::move(name), std::make_unique<detail::WorkOf<std::decay_t<F>>>(std::forward<F>(fn)));
  }
  void spawn_work(std::string name, std::unique_ptr<detail::Work> work);
  void must_be_open(const char* caller) const;
  void child_ended(bool cancelled, std::exception_ptr error);
  // One task, or one that would have become one, is gone.
  void drop_one();

  enum class Phase { kNew, kBodyRuns, kWaits, kClosed };

  CancelScope scope_;
  std::vector<std::exception_ptr> errors_;
  Scheduler* scheduler_ = nullptr;
  Waiter* closer_ = nullptr;       // the wait at the end
  TaskNursery* around_ = nullptr;  // the one that its opener had open before
  int pending_ = 0;
  bool cancelled_ = false;  // Cancelled was among what ended the body and the tasks
  Phase phase_ = Phase::kNew;
};

namespace detail {

// A call of TaskNursery::start, on its caller's stack.
class Start {
 public:
  // Keeps `target` open.
  explicit Start(TaskNursery& target);
  Start(const Start&) = delete;
  Start& operator=(const Start&) = delete;
  ~Start();

  // Runs `fn` as a task until it is ready or has ended.
  template <class F>
  void run(F fn) {
    run_work(std::make_unique<WorkOf<F>>(std::move(fn)));
  }
  // What the task calls when it is ready: moves it, and all scopes and tasks inside it, to the target. UsageError when
  // `start`, which it sets to null, is null already.
  static void ready(Start*& start);

 private:
  void run_work(std::unique_ptr<Work> work);

  TaskNursery nursery_;  // where the task lives until it is ready
  TaskNursery& target_;
  Task* task_ = nullptr;
  bool told_ = false;
  bool moved_ = false;
};

}  // namespace detail

template <class T>
void TaskStatus<T>::started(T value) {
  if (start_ != nullptr) value_->emplace(std::move(value));
  detail::Start::ready(start_);
}
inline void TaskStatus<void>::started() { detail::Start::ready(start_); }

template <class T, class F, class... Args>
T TaskNursery::start(F&& fn, Args&&... args) {
  detail::Start start(*this);
  const auto run = [&](auto&... value) {  // nothing for T = void, else where started() puts it
    start.run([&start, &value..., fn = std::decay_t<F>(std::forward<F>(fn)),
               args = std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...)]() mutable {
      TaskStatus<T> status(start, value...);
      std::apply([&](auto&... a) { std::invoke(std::move(fn), status, std::move(a)...); }, args);
    });
  };
  if constexpr (std::is_void_v<T>) {
    run();
  } else {
    std::optional<T> value;
    run(value);
    return std::move(*value);
  }
}

// Opens a nursery around `body`, which is called with it; returns the body's value and throws what failed.
template <class F>
auto open_task_nursery(F&& body) {
  TaskNursery nursery;
  return nursery.run([&] { return body(nursery); });
}

}  // namespace tractor
