// Threads for what would block the loop: long computations, blocking system calls.
//
// Owned by the scheduler, which joins them when it goes. They are started when needed, at most 40 (trio's limit; more
// callers wait their turn), and idle ones are used again. Nothing of the API but Scheduler::post works on such a
// thread: Scheduler::try_current() is null.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <type_traits>
#include <vector>

#include "runtime/task/scheduler.h"
#include "runtime/task/sync.h"

namespace tractor {

class WorkerThreads {
 public:
  static constexpr int kLimit = 40;

  explicit WorkerThreads(Scheduler& scheduler) : scheduler_(scheduler) {}
  WorkerThreads(const WorkerThreads&) = delete;
  WorkerThreads& operator=(const WorkerThreads&) = delete;
  ~WorkerThreads();

  // Those of the current scheduler.
  static WorkerThreads& current();
  // Whether the calling thread is one, of any scheduler.
  static bool is_one_here() noexcept;

  // Runs `work`, which must not throw, on a thread and parks the task until it has ended, even when the task is
  // cancelled meanwhile; then `stop`, if given, is told. Throws Cancelled only before the work has begun.
  void run(detail::Work& work, std::stop_source* stop);

 private:
  struct Job {
    detail::Work* work;
    Waiter* waiter;
  };

  void submit(Job job);
  void start_thread();
  void serve();

  Scheduler& scheduler_;
  Semaphore permits_{kLimit};
  std::vector<std::thread> threads_;  // loop thread only

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::size_t idle_ = 0;
  bool ending_ = false;
};

// Runs `fn` on a worker thread while this task waits; returns its value or throws what it threw. A checkpoint at entry;
// once `fn` runs it is waited for, also when the task is cancelled, and its value is returned then too. A `fn` that
// takes a std::stop_token is told of cancellation through it, and Cancelled is thrown instead of its value; an
// exception from `fn` is never hidden.
template <class F>
auto to_thread(F fn) {
  constexpr bool kStoppable = std::is_invocable_v<F&, std::stop_token>;
  std::stop_source stop{std::nostopstate};
  if constexpr (kStoppable) stop = std::stop_source();
  auto call = [&]() -> decltype(auto) {
    if constexpr (kStoppable) {
      return std::invoke(fn, stop.get_token());
    } else {
      return std::invoke(fn);
    }
  };
  using R = std::decay_t<decltype(call())>;
  constexpr bool kVoid = std::is_void_v<R>;
  std::exception_ptr error;
  std::optional<std::conditional_t<kVoid, bool, R>> value;
  auto guarded = [&]() noexcept {
    try {
      if constexpr (kVoid) {
        call();
      } else {
        value.emplace(call());
      }
    } catch (...) {
      error = std::current_exception();
    }
  };
  detail::WorkOf<decltype(guarded)> work(guarded);
  WorkerThreads::current().run(work, kStoppable ? &stop : nullptr);
  if (error) std::rethrow_exception(std::move(error));
  if constexpr (kStoppable) throw_if_cancelled();
  if constexpr (!kVoid) return std::move(*value);
}

}  // namespace tractor
