#include "runtime/task/task.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <utility>

#include "runtime/log.h"
#include "runtime/task/backtrace.h"
#include "runtime/task/scheduler_state.h"

namespace tractor {

Task& Task::start(Scheduler& scheduler, TaskNursery* nursery, std::string name, std::unique_ptr<detail::Work> work) {
  Scheduler::State& state = Scheduler::State::of(scheduler);
  const Stack stack = state.stacks.take();
  // Stacks are a multiple of the cache's size apart, so that all tasks' hot lines would compete for the same few sets:
  // start each at another line (1,000 tasks in turn: 47 ns a switch instead of 80 to 105, same resident memory).
  constexpr std::size_t kLine = 64;
  constexpr std::size_t kLines = 16;
  char* place = stack.top() - sizeof(Task);
  place -= reinterpret_cast<std::uintptr_t>(place) % kLine + state.statistics.tasks_started % kLines * kLine;
  Task& task = *new (place) Task(scheduler, stack, place, nursery, std::move(name), std::move(work));
  task.make_ready();
  return task;
}

Task::Task(Scheduler& scheduler, Stack stack, char* top, TaskNursery* nursery, std::string name,
           std::unique_ptr<detail::Work> work)
    : Fiber(top, static_cast<std::size_t>(top - stack.base), &Task::run),
      scheduler_(scheduler),
      nursery_(nursery),
      work_(std::move(work)),
      stack_(stack),
      name_(std::move(name)) {
  Scheduler::State& state = Scheduler::State::of(scheduler);
  id_ = ++state.statistics.tasks_started;
  ++state.statistics.tasks_alive;
  state.alive.push_back(*this);
  if (nursery != nullptr) move_to(&nursery->cancel_scope());
}

void Task::bury(Task& task) noexcept {
  Scheduler::State& state = Scheduler::State::of(task.scheduler_);
  const Stack stack = task.stack_;
  if (StackPool::overflowed(stack)) {
    char text[256];
    task.print_overflow(text, sizeof text);
    std::fputs(text, stderr);
    std::abort();
  }
  task.~Task();
  state.stacks.give_back(stack);
}

void Task::run(Fiber& self) {
  Task& task = static_cast<Task&>(self);
  Scheduler::State& state = Scheduler::State::of(task.scheduler_);
  state.bury_dead();
  bool cancelled = false;
  std::exception_ptr error;
  try {
    task.work_->run();
    task.work_.reset();  // destructors of arguments may park and throw like the rest
  } catch (const Cancelled& caught) {
    caught.absorb();
    cancelled = true;
  } catch (...) {
    error = std::current_exception();
  }
  task.work_.reset();
  task.move_to(nullptr);
  state.alive.erase(state.alive.iterator_to(task));
  --state.statistics.tasks_alive;
  if (task.nursery_ != nullptr) {
    task.nursery_->child_ended(cancelled, std::move(error));
  } else {
    if (cancelled) {
      std::fputs("tractor: bug: Cancelled left the root task, and no scope was there to catch it\n", stderr);
      std::terminate();
    }
    state.root_error = std::move(error);
    state.root_ended = true;
  }
  error = nullptr;
  state.dead = &task;
  task.exit_to(state.next());
}

void Task::throw_cancelled() { throw Cancelled(try_current()->id_); }

void Task::throw_no_current(const char* caller) {
  throw UsageError(std::string(caller) + " called outside a running program: " +
                   (running_here == nullptr ? "this thread runs no tasks"
                                            : "only tasks can wait, not event handlers, posted or abort functions"));
}

void Cancelled::report_swallowed() const noexcept {
  if (std::uncaught_exceptions() > 0) return;  // an error took its place
  Task* task = Task::try_current();
  if (task == nullptr || task->id_ != task_ || std::exchange(task->told_of_swallowing_, true)) return;
  try {
    log::warning("task " + task->name() +
                 " was cancelled, but swallowed that: code that catches `...` must rethrow what is "
                 "no std::exception; until its scope is left, each checkpoint throws Cancelled again");
  } catch (const std::exception&) {  // no memory
  }
}

void report_error(const std::exception_ptr& error) noexcept {
  if (Task* task = Task::try_current()) task->report(error);
}

void Task::report(std::exception_ptr error) noexcept {
  try {
    log::warning("in a destructor: " + tractor::describe(error));
    if (TaskNursery* nursery = innermost_ != nullptr ? innermost_ : nursery_) nursery->record(false, std::move(error));
  } catch (const std::exception&) {  // no memory
  }
}

void Task::move_to(CancelScope* scope) noexcept {
  if (scope_ != nullptr) scope_->tasks_.erase(scope_->tasks_.iterator_to(*this));
  scope_ = scope;
  if (scope_ != nullptr) scope_->tasks_.push_back(*this);
}

void Task::deliver_cancellation() noexcept {
  if (waiter_ != nullptr) waiter_->abort_wait();
}

std::string Task::name() const { return (name_.empty() ? "task" : name_) + '#' + std::to_string(id_); }

std::string Task::name_of(const void* task) {
  if (task == nullptr) return {};
  for (const Task& candidate : Scheduler::State::of(Scheduler::current()).alive) {
    if (&candidate == task) return candidate.name();
  }
  return {};
}

const Task* Task::parent() const { return nursery_ == nullptr ? nullptr : nursery_->cancel_scope().entered_by_; }

TaskSnapshot Task::snapshot(int depth) {
  constexpr std::size_t kMaxFrames = 64;
  constexpr std::ptrdiff_t kRoom = 16 * 1024;  // for the unwinder, which takes about 4 KiB
  struct Trace {
    std::array<void*, kMaxFrames> frames;
    std::size_t count = 0;
    void take() { count = backtrace(frames, 1); }
  } trace;
  const char* here = static_cast<const char*>(__builtin_frame_address(0));
  const bool running = here >= stack_.base && here < stack_.top();  // and has no stopped stack to visit
  if (running) {
    trace.take();
  } else if (stopped_at() != nullptr && stopped_at() - stack_.base > kRoom) {
    Fiber visitor;
    visitor.visit(
        *this, [](void* t) { static_cast<Trace*>(t)->take(); }, &trace);
  }
  return {.name = name(),
          .depth = depth,
          .waits_for = waiter_ == nullptr ? "" : waiter_->what_,
          .since = waiter_ == nullptr ? Clock::duration::zero() : Clock::now() - waits_since_,
          .running = running,
          .cancelled = cancelled(),
          .stack = std::vector<void*>(trace.frames.begin(),
                                      trace.frames.begin() + static_cast<std::ptrdiff_t>(trace.count))};
}

std::string TaskSnapshot::describe() const {
  std::string text(static_cast<std::size_t>(depth) * 2, ' ');
  text += name;
  if (waits_for.empty()) {
    text += running ? " runs" : " is ready";
  } else {
    std::array<char, 32> seconds{};
    std::snprintf(seconds.data(), seconds.size(), "%.3f", std::chrono::duration<double>(since).count());
    text += " waits for " + waits_for + ", for " + seconds.data() + " s";
  }
  if (cancelled) text += ", cancelled";
  return text;
}

bool Task::is_below_stack(const void* address) const noexcept {
  const char* at = static_cast<const char*>(address);
  return stack_.guarded && at < stack_.base && at >= stack_.base - StackPool::kPage;
}

int Task::print_overflow(char* text, std::size_t size) const noexcept {
  return std::snprintf(text, size, "tractor: task \"%.100s\" (#%llu) overflowed its stack of %zu KiB\n", name_.c_str(),
                       static_cast<unsigned long long>(id_), (stack_.size + 1023) / 1024);
}

}  // namespace tractor
