#include "runtime/task/scheduler.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>

#include "runtime/task/background_task.h"
#include "runtime/task/scheduler_state.h"
#include "runtime/task/stack_overflow.h"

namespace tractor {

constinit thread_local Scheduler* running_here = nullptr;

Scheduler::Scheduler(EventPort& port, Options options) : state_(std::make_unique<State>(*this, port)) {
  state_->reports_overflow = options.reports_overflow;
  if (options.random_order_seed) state_->random_order = std::make_unique<std::mt19937_64>(*options.random_order_seed);
}
Scheduler::~Scheduler() = default;

void Scheduler::run(std::function<void()> main) {
  if (running_here != nullptr) throw UsageError("Scheduler::run: this thread runs a scheduler already");
  if (state_->loop_fiber != nullptr) throw UsageError("Scheduler::run: this scheduler runs on another thread already");
  Fiber here;
  state_->loop_fiber = &here;
  state_->held_outside = held_here;
  state_->root_ended = false;
  running_here = this;
  struct Restore {
    ~Restore() {
      state.loop_fiber = nullptr;
      running_here = nullptr;
    }
    State& state;
  } restore{*state_};
  std::optional<StackOverflowReports> reports;
  if (state_->reports_overflow) reports.emplace();
  std::function<void()> root = [main = std::move(main)] {
    std::exception_ptr error;
    try {
      main();
    } catch (...) {
      error = std::current_exception();
    }
    BackgroundTask::end_all();
    if (error != nullptr) std::rethrow_exception(error);
  };
  Task::start(*this, nullptr, "main", std::make_unique<detail::WorkOf<std::function<void()>>>(std::move(root)));
  state_->loop();
  if (state_->root_error) std::rethrow_exception(std::exchange(state_->root_error, nullptr));
}

Scheduler& Scheduler::current() {
  if (running_here == nullptr) throw UsageError("called outside a running program: this thread runs no tasks");
  return *running_here;
}

Scheduler* Scheduler::try_current() noexcept { return running_here; }

bool Scheduler::on_loop_thread() const noexcept { return running_here == this; }

void Scheduler::post(std::function<void()> fn) {
  bool first = false;
  {
    const std::lock_guard lock(state_->post_mutex);
    first = state_->posted.empty();
    state_->posted.push_back(std::move(fn));
    state_->has_posted.store(true, std::memory_order_release);
  }
  // The loop looks at the queue before it waits, so its own thread needs no bell.
  if (first && !on_loop_thread()) state_->port.ring();
}

Scheduler::Statistics Scheduler::statistics() const { return state_->statistics; }

std::vector<TaskSnapshot> Scheduler::snapshot() const {
  std::map<const Task*, std::vector<Task*>> opened_by;
  for (Task& task : state_->alive) opened_by[task.parent()].push_back(&task);
  std::vector<std::pair<Task*, int>> left;  // the next last
  const auto add_those_of = [&](const Task* parent, int depth) {
    std::vector<Task*>& tasks = opened_by[parent];
    for (auto task = tasks.rbegin(); task != tasks.rend(); ++task) left.emplace_back(*task, depth);
  };
  std::vector<TaskSnapshot> all;
  add_those_of(nullptr, 0);
  while (!left.empty()) {
    const auto [task, depth] = left.back();
    left.pop_back();
    all.push_back(task->snapshot(depth));
    add_those_of(task, depth + 1);
  }
  return all;
}

// --- the loop ---

void Scheduler::State::loop() {
  last_poll = last_look = port.now();
  while (true) {
    run_posted();
    if (!ready.empty() || !turn.empty()) run_slice();
    if (root_ended) return;
    if (!busy()) {
      const bool more_to_do = stacks.release_surplus();
      deliver_events(more_to_do ? port.now() : timers.empty() ? Clock::kNever : timers.begin()->at());
      continue;
    }
    const Clock::time_point now = port.now();
    // A slice that took long was made of long steps: look after each of them, until they are short again.
    slice = now - last_look > kTimePerPoll ? 1 : std::min(slice * 2, kLongestSlice);
    last_look = now;
    if (statistics.switches - switches_at_poll >= kSwitchesPerPoll || now - last_poll >= kTimePerPoll)
      deliver_events(now);
  }
}

void Scheduler::State::run_slice() {
  slice_left = slice;
  Fiber& to = next();
  loop_fiber->switch_to(to);
  bury_dead();
}

void Scheduler::State::shuffle_turn() {
  std::vector<Task*> tasks;
  while (!turn.empty()) {
    tasks.push_back(&turn.front());
    turn.pop_front();
  }
  // Not std::shuffle, which differs between standard libraries.
  for (std::size_t left = tasks.size(); left > 0; --left) {
    std::swap(tasks[(*random_order)() % left], tasks[left - 1]);
    turn.push_back(*tasks[left - 1]);
  }
}

void Scheduler::State::run_posted() noexcept {
  if (!has_posted.load(std::memory_order_acquire)) return;
  {
    const std::lock_guard lock(post_mutex);
    running.swap(posted);
    has_posted.store(false, std::memory_order_relaxed);
  }
  for (auto& fn : running) std::exchange(fn, nullptr)();
  running.clear();
}

void Scheduler::State::deliver_events(Clock::time_point deadline) noexcept {
  port.poll(deadline);
  switches_at_poll = statistics.switches;
  last_poll = last_look = port.now();
  fire_timers(last_poll);
}

void Scheduler::State::fire_timers(Clock::time_point now) noexcept {
  while (!timers.empty() && timers.begin()->at() <= now) {
    Timer& timer = *timers.begin();
    timer.disarm();
    timer.fire_(timer);
  }
}

void Timer::arm(Clock::time_point at) {
  disarm();
  if (at == Clock::kNever) return;
  Scheduler& scheduler = Scheduler::current();
  at_ = at;
  scheduler.state_->timers.insert(*this);
  scheduler_ = &scheduler;
}

void Timer::disarm() noexcept {
  if (scheduler_ == nullptr) return;
  auto& timers = scheduler_->state_->timers;
  timers.erase(timers.iterator_to(*this));
  scheduler_ = nullptr;
  at_ = Clock::kNever;
}

// --- waiting ---

void Waiter::park(Abort (*abort)(void*), void* context) {
  Task& task = Task::current(what_);
  if (woken_) return;
  task_ = &task;
  abort_ = abort;
  abort_context_ = context;
  task_->waiter_ = this;
  task_->waits_since_ = Scheduler::State::of(task_->scheduler()).last_look;
  if (task_->cancelled()) abort_wait();  // may make it ready again: then it throws after one pass through the queue
  task_->suspend();
  if (aborted_) Task::throw_cancelled();
}

void Waiter::wait_in(boost::intrusive::list<Waiter>& waiters) {
  Task::current(what_);
  waiters.push_back(*this);
  wait([&] {
    waiters.erase(waiters.iterator_to(*this));
    return Abort::kDone;
  });
}

void Waiter::wake() {
  if (task_ != nullptr && !task_->scheduler().on_loop_thread()) {
    throw UsageError(std::string("wake() of a wait for ") + what_ + " from another thread: use Scheduler::post");
  }
  if (woken_ || aborted_) throw UsageError(std::string("a wait for ") + what_ + " was woken twice");
  woken_ = true;
  end_wait();
}

void Waiter::abort_wait() noexcept {
  if (abort_ == nullptr || abort_called_) return;
  abort_called_ = true;
  Scheduler::State& state = Scheduler::State::of(task_->scheduler());
  Task* caller = std::exchange(state.current, nullptr);  // so that an abort function that waits is told that it cannot
  const Abort result = abort_(abort_context_);
  state.current = caller;
  if (result == Abort::kLater) return;
  aborted_ = true;
  end_wait();
}

void Waiter::end_wait() {
  if (task_ == nullptr || task_->waiter_ != this) return;  // not parked yet
  task_->waiter_ = nullptr;
  task_->make_ready();
}

void yield_now() { Task::current("yield_now").yield(); }

void checkpoint() {
  Task& task = Task::current("checkpoint");
  task.yield();
  if (task.cancelled()) Task::throw_cancelled();
}

void checkpoint_if_cancelled() {
  if (Task::current("checkpoint_if_cancelled").cancelled()) checkpoint();
}

void throw_if_cancelled() {
  if (Task::current("throw_if_cancelled").cancelled()) Task::throw_cancelled();
}

void sleep(Clock::duration duration) {
  if (duration <= Clock::duration::zero()) return checkpoint();
  sleep_until(deadline_after(duration));
}

void sleep_until(Clock::time_point time) {
  if (time <= Clock::now()) return checkpoint();
  Task::current("sleep");
  struct Alarm : Timer {
    explicit Alarm(Waiter& w) : Timer([](Timer& t) { static_cast<Alarm&>(t).waiter.wake(); }), waiter(w) {}
    Waiter& waiter;
  };
  Waiter waiter("sleep");
  Alarm alarm(waiter);
  alarm.arm(time);
  waiter.wait([&] {
    alarm.disarm();
    return Abort::kDone;
  });
}

void sleep_forever() {
  Waiter waiter("sleep_forever");
  waiter.wait([] { return Abort::kDone; });
  std::abort();  // nobody knows the waiter
}

std::string current_task_name() {
  if (const Task* task = Task::try_current()) return task->name();
  if (running_here != nullptr) return "loop";
  Task::throw_no_current("current_task_name");
}

void name_current_task(std::string name) { Task::current("name_current_task").rename(std::move(name)); }

}  // namespace tractor
