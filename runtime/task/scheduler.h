// The scheduler runs tasks, each on a stack of its own, all on one thread, so that code between two checkpoints needs
// no locks.
//
// A turn of its loop: run what was ready when the turn began (polling for events at least every 256 switches or 50 us),
// fire the deadlines that are due, then wait in the event port until the next one. It knows no gRPC and no processes;
// it waits through an EventPort.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "runtime/task/clock.h"
#include "runtime/task/event_port.h"
#include "runtime/task/task_nursery.h"
#include "runtime/task/task_snapshot.h"

namespace tractor {

class Task;

class Scheduler {
 public:
  struct Options {
    // For tests: the ready tasks of a turn run in a random order that depends on nothing but this number, instead of
    // first come, first served. What is right in one order only shows.
    std::optional<std::uint64_t> random_order_seed = {};
    // Whether run() installs the handler that names a task whose stack overflows; not for guests in someone's process.
    bool reports_overflow = true;
  };

  explicit Scheduler(EventPort& port) : Scheduler(port, Options{}) {}
  Scheduler(EventPort& port, Options options);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler();

  // Runs `main` as the root task on the calling thread, which becomes the loop thread, until it has ended (all tasks
  // live in nurseries below it); throws what it threw. Throws UsageError when this thread already runs a scheduler.
  void run(std::function<void()> main);

  // The scheduler of this thread; UsageError ("... outside a running program ...") when there is none.
  static Scheduler& current();
  static Scheduler* try_current() noexcept;

  // Runs `fn` on the loop thread soon, between tasks: it may wake tasks and cancel scopes, never wait. Any thread, at
  // any time in the scheduler's life; what is posted after the last turn is destroyed without having run.
  void post(std::function<void()> fn);

  // Whether the calling thread is the one that runs this scheduler. Any thread.
  bool on_loop_thread() const noexcept;

  struct Statistics {
    std::uint64_t tasks_alive = 0;
    std::uint64_t tasks_started = 0;
    std::uint64_t switches = 0;
    std::uint64_t turns = 0;
  };
  Statistics statistics() const;

  // All tasks, each after the one that opened its nursery, siblings in the order of their start. Loop thread only. Runs
  // none of them, but looks at each stack from inside: a few microseconds, and a page or two that stay resident, a
  // task.
  std::vector<TaskSnapshot> snapshot() const;

 private:
  friend class Task;
  friend class BackgroundTask;
  friend class Timer;
  friend class Waiter;
  friend class WorkerThreads;
  friend struct Clock;
  struct State;
  std::unique_ptr<State> state_;
};

// --- waiting ---

// What an abort function did: kDone, the operation is undone and the wait ends with Cancelled at once; kLater, it was
// asked to end and a wake() will come (gRPC operations, processes, threads).
enum class Abort { kDone, kLater };

// One wait of the current task: the only way in which a task parks. Lives on the waiting task's stack; loop thread
// only.
//   Waiter waiter("what it waits for");       // the text must outlive the wait; shown in dumps of the task tree
//   list.push_back(waiter);
//   waiter.wait([&] { list.erase(waiter); return Abort::kDone; });
// Exactly one wake() per wait. The abort function is called at most once, on the loop, when the task's scope is or
// becomes cancelled; it must not wait. After kDone nobody may call wake(). After kLater wait() returns normally when
// wake() comes, and the caller decides (cancelled() tells that the abort function ran).
class Waiter : public boost::intrusive::list_base_hook<> {
 public:
  explicit Waiter(const char* what) : what_(what) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // Parks until wake(); a checkpoint. Returns at once when wake() came first. Throws Cancelled after an abort that was
  // kDone.
  template <class F>
  void wait(F&& abort) {
    struct Caller {
      static Abort call(void* f) { return (*static_cast<std::remove_reference_t<F>*>(f))(); }
    };
    park(&Caller::call, &abort);
  }
  // Parks until wake(), whatever is cancelled. For clean-up that must be complete.
  void wait_shielded() { park(nullptr, nullptr); }

  // Parks in a list of waiters, last; whoever wakes it takes it out first. Cancellation takes it out, too.
  void wait_in(boost::intrusive::list<Waiter>& waiters);

  // Ends the wait: the task becomes ready. Loop thread only (tasks, event handlers, posted functions).
  void wake();
  bool woken() const { return woken_; }
  bool cancelled() const { return abort_called_; }

 private:
  friend class Task;
  friend class Lock;
  void park(Abort (*abort)(void*), void* context);
  void abort_wait() noexcept;
  void end_wait();

  const char* what_;
  Task* task_ = nullptr;  // while it waits
  Abort (*abort_)(void*) = nullptr;
  void* abort_context_ = nullptr;
  bool woken_ = false;
  bool abort_called_ = false;
  bool aborted_ = false;  // the abort function returned kDone
};

// Lets other tasks run once and throws Cancelled when the current scope is cancelled.
void checkpoint();
// Lets other tasks run once, whatever is cancelled.
void yield_now();
// The first half of a checkpoint whose second half is either a wait or yield_now(): throws before anything is done.
void checkpoint_if_cancelled();
// Waits for that long; zero or less is a checkpoint().
void sleep(Clock::duration duration);
void sleep_until(Clock::time_point time);
// Waits until cancelled.
[[noreturn]] void sleep_forever();

// Throws Cancelled if the current scope is cancelled, without a switch; for use after a wait that ended kLater.
void throw_if_cancelled();

// The name of the running task and its number, for logs: "say_hello#12", "task#7" when it has none; "loop" in event
// handlers and posted functions.
std::string current_task_name();
// Names the running task, for logs and dumps.
void name_current_task(std::string name);

}  // namespace tractor
