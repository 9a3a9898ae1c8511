#include "runtime/task/sync.h"

#include <string>
#include <utility>

#include "runtime/task/scheduler_state.h"

namespace tractor {

namespace {

using Waiters = boost::intrusive::list<Waiter>;

Waiter& take_first(Waiters& waiters) {
  Waiter& first = waiters.front();
  waiters.pop_front();
  return first;
}

}  // namespace

void Event::set() {
  set_ = true;
  while (!waiters_.empty()) take_first(waiters_).wake();
}

void Event::wait() {
  if (set_) return checkpoint();
  Waiter waiter("Event");
  waiter.wait_in(waiters_);
}

void Lock::lock() {
  checkpoint_if_cancelled();
  if (try_lock()) return yield_now();
  if (owner_ == &Task::current("Lock::lock")) throw UsageError("Lock::lock: this task holds the lock already");
  Waiter waiter("Lock");
  waiter.wait_in(waiters_);
}

bool Lock::try_lock() {
  const Task& task = Task::current("Lock::try_lock");
  if (owner_ != nullptr) return false;
  owner_ = &task;
  return true;
}

void Lock::unlock() {
  if (owner_ != &Task::current("Lock::unlock")) throw UsageError("Lock::unlock: this task does not hold the lock");
  owner_ = nullptr;
  if (waiters_.empty()) return;
  Waiter& next = take_first(waiters_);
  owner_ = next.task_;
  next.wake();
}

Lock::Statistics Lock::statistics() const {
  return {.locked = owner_ != nullptr, .owner = Task::name_of(owner_), .tasks_waiting = waiters_.size()};
}

Semaphore::Semaphore(int initial) : value_(initial) {
  if (initial < 0)
    throw UsageError("Semaphore: the initial value must not be negative, got " + std::to_string(initial));
}

void Semaphore::acquire() {
  checkpoint_if_cancelled();
  if (try_acquire()) return yield_now();
  Waiter waiter("Semaphore");
  waiter.wait_in(waiters_);
}

bool Semaphore::try_acquire() {
  if (value_ == 0) return false;
  --value_;
  return true;
}

void Semaphore::release() {
  if (waiters_.empty()) {
    ++value_;
  } else {
    take_first(waiters_).wake();
  }
}

}  // namespace tractor
