#include "runtime/task/cancel_scope.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "runtime/task/scheduler_state.h"

namespace tractor {

CancelScope::DeadlineTimer::DeadlineTimer(CancelScope& s)
    : Timer([](Timer& timer) { static_cast<DeadlineTimer&>(timer).scope.cancel(); }), scope(s) {}

CancelScope::CancelScope(Options options) : timer_(*this), deadline_(options.deadline), shield_(options.shield) {}

CancelScope::CancelScope(CancelScope&& other)
    : CancelScope(Options{.deadline = other.deadline_, .shield = other.shield_}) {
  if (other.open_) throw UsageError("a CancelScope cannot move while its block runs");
  cancel_called_ = other.cancel_called_;
  caught_ = other.caught_;
  used_ = other.used_;
}

CancelScope::~CancelScope() {
  if (!open_) return;
  std::fprintf(stderr, "tractor: bug: a CancelScope was destroyed inside its own block, by %s\n",
               entered_by_ != nullptr ? entered_by_->name().c_str() : "its owner");
  std::abort();
}

void CancelScope::enter() {
  Task& task = Task::current("CancelScope::run");
  if (used_) throw UsageError("CancelScope::run: a scope runs one block in its life; make another one");
  entered_by_ = &task;
  open();
  task.move_to(this);
}

void CancelScope::open() {
  used_ = true;
  open_ = true;
  parent_ = Task::current("CancelScope::open").scope();
  if (parent_ != nullptr) parent_->children_.push_back(*this);
  effective_ = is_cancelled();
  set_deadline(deadline_);
}

bool CancelScope::leave(bool cancelled) {
  caught_ = cancelled && cancel_called_ && !parent_is_cancelled();
  timer_.disarm();
  if (entered_by_ != nullptr) entered_by_->move_to(parent_);
  if (!children_.empty()) hand_over_to(parent_);  // those of background tasks, whose owners have left the block
  if (parent_ != nullptr) parent_->children_.erase(parent_->children_.iterator_to(*this));
  parent_ = nullptr;
  entered_by_ = nullptr;
  open_ = false;
  effective_ = false;
  return caught_;
}

void CancelScope::cancel() {
  if (cancel_called_ || (used_ && !open_)) return;
  if (entered_by_ != nullptr && !entered_by_->scheduler().on_loop_thread()) {
    throw UsageError("CancelScope::cancel from another thread: use Scheduler::post");
  }
  cancel_called_ = true;
  timer_.disarm();
  refresh();
}

void CancelScope::set_deadline(Clock::time_point deadline) {
  deadline_ = deadline;
  if (!open_ || cancel_called_) return;
  if (deadline != Clock::kNever && deadline <= Clock::now()) {
    cancel();
  } else {
    timer_.arm(deadline);
  }
}

void CancelScope::set_shield(bool shield) {
  shield_ = shield;
  refresh();
}

void CancelScope::refresh() {
  if (!open_) return;
  // Not recursive: scopes nest as deep as a program likes.
  std::vector<CancelScope*> to_do = {this};
  while (!to_do.empty()) {
    CancelScope& scope = *to_do.back();
    to_do.pop_back();
    if (scope.effective_ == scope.is_cancelled()) continue;
    scope.effective_ = !scope.effective_;
    if (scope.effective_) {
      for (Task& task : scope.tasks_) task.deliver_cancellation();
    }
    for (CancelScope& child : scope.children_) to_do.push_back(&child);
  }
}

void CancelScope::hand_over_to(CancelScope* other) {
  while (!children_.empty()) {
    CancelScope& child = children_.front();
    children_.pop_front();
    if (child.effective_) child.cancel_called_ = true;  // what is being cancelled does not go on because we have left
    child.parent_ = other;
    if (other != nullptr) other->children_.push_back(child);
    child.refresh();
  }
  std::vector<Task*> moving;
  for (Task& task : tasks_) {
    if (&task != entered_by_) moving.push_back(&task);
  }
  for (Task* task : moving) {
    task->move_to(other);
    if (other != nullptr && other->effective_) task->deliver_cancellation();
  }
}

Clock::time_point current_effective_deadline() {
  const Task& task = Task::current("current_effective_deadline");
  if (task.cancelled()) return Clock::time_point::min();
  Clock::time_point earliest = Clock::kNever;
  for (const CancelScope* scope = task.scope(); scope != nullptr; scope = scope->shield_ ? nullptr : scope->parent_) {
    earliest = std::min(earliest, scope->deadline_);
  }
  return earliest;
}

bool currently_cancelled() { return Task::current("currently_cancelled").cancelled(); }

}  // namespace tractor
