#include "runtime/task/task_nursery.h"

#include <cstring>
#include <unordered_set>

#include "runtime/task/scheduler.h"
#include "runtime/task/scheduler_state.h"

namespace tractor {

namespace {

// The same exception object once: it can reach a nursery on several ways. By address in a set, since thousands of tasks
// may fail; an exception_ptr is one pointer, but has no hash.
void remove_duplicates(std::vector<std::exception_ptr>& errors) {
  static_assert(sizeof(std::exception_ptr) == sizeof(void*));
  std::unordered_set<const void*> seen;
  std::erase_if(errors, [&](const std::exception_ptr& error) {
    const void* object = nullptr;
    std::memcpy(&object, &error, sizeof object);
    return !seen.insert(object).second;
  });
}

}  // namespace

void TaskNursery::open() {
  Task::current("TaskNursery::run");
  if (phase_ != Phase::kNew)
    throw UsageError("TaskNursery::run: a nursery runs one body in its life; make another one");
  scope_.enter();
  scheduler_ = &Scheduler::current();
  phase_ = Phase::kBodyRuns;
  around_ = std::exchange(Task::current("TaskNursery::run").innermost_, this);
}

void TaskNursery::close(bool cancelled, std::exception_ptr error) {
  Task::current("TaskNursery::run").innermost_ = around_;
  record(cancelled, std::move(error));
  phase_ = Phase::kWaits;
  if (pending_ == 0) yield_now();
  while (pending_ > 0) {  // again, when a task was started after the last one had ended and before this one went on
    Waiter waiter("the tasks of a nursery");
    closer_ = &waiter;
    waiter.wait([this] {
      record(true, nullptr);
      return Abort::kLater;
    });
    closer_ = nullptr;
  }
  phase_ = Phase::kClosed;
  const bool absorbed = scope_.leave(cancelled_);
  if (const std::exception_ptr failure = take_errors()) std::rethrow_exception(failure);
  if (cancelled_ && !absorbed) Task::throw_cancelled();
}

std::exception_ptr TaskNursery::take_errors() {
  if (errors_.size() > 1) remove_duplicates(errors_);
  if (errors_.size() > 1) return std::make_exception_ptr(ExceptionGroup(std::exchange(errors_, {})));
  return errors_.empty() ? nullptr : std::exchange(errors_, {}).front();
}

void TaskNursery::record(bool cancelled, std::exception_ptr error) {
  if (!cancelled && !error) return;
  if (cancelled) cancelled_ = true;
  if (error) errors_.push_back(std::move(error));
  scope_.cancel();
}

void TaskNursery::must_be_open(const char* caller) const {
  const std::string who = caller;
  if (phase_ == Phase::kNew) throw UsageError(who + ": the nursery is not open; call it inside open_task_nursery");
  if (phase_ == Phase::kClosed)
    throw UsageError(who + ": the nursery has ended, and with it everything that could wait");
  if (!scheduler_->on_loop_thread()) throw UsageError(who + " called from another thread: use Scheduler::post");
}

void TaskNursery::spawn_work(std::string name, std::unique_ptr<detail::Work> work) {
  must_be_open("start_soon");
  Task::start(*scheduler_, this, std::move(name), std::move(work));
  ++pending_;
}

void TaskNursery::child_ended(bool cancelled, std::exception_ptr error) {
  record(cancelled, std::move(error));
  drop_one();
}

void TaskNursery::drop_one() {
  --pending_;
  if (pending_ == 0 && closer_ != nullptr && !closer_->woken()) closer_->wake();
}

// --- start ---

detail::Start::Start(TaskNursery& target) : target_(target) {
  target.must_be_open("start");
  Task::current("TaskNursery::start");
  ++target.pending_;  // the task's place
}

detail::Start::~Start() {
  if (!moved_) target_.drop_one();
}

void detail::Start::run_work(std::unique_ptr<Work> work) {
  nursery_.run([&] {
    task_ = &Task::start(*target_.scheduler_, &nursery_, {}, std::move(work));
    ++nursery_.pending_;
  });
  if (!told_) throw UsageError("start: the task ended without having called started()");
}

void detail::Start::ready(Start*& start) {
  if (start == nullptr) throw UsageError("TaskStatus::started: this task has told already that it is ready");
  Start& call = *std::exchange(start, nullptr);
  call.told_ = true;
  // Then the task is on its way out, and the starter waits for its end.
  if (call.nursery_.scope_.effectively_cancelled()) return;
  call.task_->move_to_nursery(call.target_);
  call.nursery_.scope_.hand_over_to(&call.target_.scope_);
  call.moved_ = true;
  call.nursery_.drop_one();
}

}  // namespace tractor
