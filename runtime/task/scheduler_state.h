// What a scheduler keeps. Internal. All but post() and its queue belong to the loop thread.
#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <boost/intrusive/slist.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <vector>

#include "runtime/task/held.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/stack_pool.h"
#include "runtime/task/task.h"
#include "runtime/task/worker_threads.h"

namespace tractor {

class BackgroundTask;

struct Scheduler::State {
  State(Scheduler& scheduler, EventPort& event_port) : owner(scheduler), port(event_port) {}

  static State& of(const Scheduler& scheduler) { return *scheduler.state_; }

  // Runs turns until the root task has ended.
  void loop();
  // Who runs next when the running task parks: a ready task, or the loop when it has something to do.
  Fiber& next();
  // To be called on arrival, after every switch.
  void bury_dead() noexcept {
    if (dead != nullptr) Task::bury(*std::exchange(dead, nullptr));
  }

  void shuffle_turn();
  bool busy() const { return !ready.empty() || !turn.empty() || has_posted.load(std::memory_order_acquire); }
  void run_slice();
  void run_posted() noexcept;
  // Handlers throw nothing: an exception must not pass through the port, which may be gRPC.
  void deliver_events(Clock::time_point deadline) noexcept;
  void fire_timers(Clock::time_point now) noexcept;

  using ReadyQueue =
      boost::intrusive::slist<Task, boost::intrusive::base_hook<ReadyTaskHook>, boost::intrusive::cache_last<true>,
                              boost::intrusive::constant_time_size<false>>;

  Scheduler& owner;
  EventPort& port;
  Fiber* loop_fiber = nullptr;                    // null when run() is not running
  Held held_outside;                              // by whoever called run()
  Task* current = nullptr;                        // null while the loop itself runs
  Task* dead = nullptr;                           // has ended, its stack is about to be left
  ReadyQueue turn;                                // what is left of those that were ready when the turn began
  ReadyQueue ready;                               // runs in the next turn
  std::unique_ptr<std::mt19937_64> random_order;  // null in production
  bool root_ended = false;
  bool reports_overflow = true;
  std::exception_ptr root_error;

  // The loop looks at the clock after a slice of switches, not after each (25 ns against 20 for the switch itself).
  static constexpr int kLongestSlice = 8;
  // A poll takes 0.5 to 1.5 us: every 64 switches it made one cost 55 ns instead of 33 on a virtual machine.
  static constexpr std::uint64_t kSwitchesPerPoll = 256;
  static constexpr Clock::duration kTimePerPoll = std::chrono::microseconds(50);
  int slice = kLongestSlice;
  int slice_left = 0;
  std::uint64_t switches_at_poll = 0;
  Clock::time_point last_poll{};
  Clock::time_point last_look{};

  boost::intrusive::multiset<Timer, boost::intrusive::constant_time_size<false>> timers;
  boost::intrusive::list<Task, boost::intrusive::base_hook<AliveTaskHook>> alive;
  std::set<BackgroundTask*> background_tasks;
  Scheduler::Statistics statistics;
  StackPool stacks;

  std::mutex post_mutex;
  std::vector<std::function<void()>> posted;   // guarded by post_mutex
  std::vector<std::function<void()>> running;  // kept for its capacity
  std::atomic<bool> has_posted = false;

  std::unique_ptr<WorkerThreads> workers;  // last: joined first
};

inline Fiber& Scheduler::State::next() {
  if (turn.empty() && !ready.empty()) {
    turn.swap(ready);
    ++statistics.turns;
    if (random_order) [[unlikely]]
      shuffle_turn();
  }
  if (turn.empty() || slice_left == 0) {
    current = nullptr;
    return *loop_fiber;
  }
  --slice_left;
  ++statistics.switches;
  Task& task = turn.front();
  turn.pop_front();
  current = &task;
  return task;
}

// --- the way of every checkpoint: inline, a switch takes 36 ns instead of 48 (two tasks in turn) ---

// What Scheduler::try_current() tells.
extern constinit thread_local Scheduler* running_here;

inline Task* Task::try_current() noexcept {
  return running_here != nullptr ? Scheduler::State::of(*running_here).current : nullptr;
}

inline Task& Task::current(const char* caller) {
  if (Task* task = try_current()) return *task;
  throw_no_current(caller);
}

inline void Task::make_ready() { Scheduler::State::of(scheduler_).ready.push_back(*this); }

inline void Task::suspend() {
  Scheduler::State& state = Scheduler::State::of(scheduler_);
  if constexpr (kCountsHeld) {
    if (held_here != state.held_outside) end_because_of_held(*this, state.held_outside);
  }
  Fiber& to = state.next();
  if (&to == this) return;
  switch_to(to);
  state.bury_dead();
}

}  // namespace tractor
