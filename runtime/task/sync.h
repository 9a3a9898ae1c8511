// What tasks wait for among themselves: Event, Lock, Semaphore. Loop thread only; waiting is first come, first served.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <string>

#include "runtime/task/scheduler.h"

namespace tractor {

// Set once, seen by all. Outlives those who wait for it, like the others here.
class Event {
 public:
  // Wakes all who wait. Idempotent, not a checkpoint.
  void set();
  bool is_set() const { return set_; }
  // A checkpoint even when it is set already.
  void wait();

  struct Statistics {
    std::size_t tasks_waiting = 0;
  };
  Statistics statistics() const { return {.tasks_waiting = waiters_.size()}; }

 private:
  bool set_ = false;
  boost::intrusive::list<Waiter> waiters_;
};

// Models Lockable, for std::unique_lock and std::scoped_lock; lock() is a checkpoint, the others are not; unlock()
// hands over to the longest waiter. Throws UsageError when the owner locks it again, or another task unlocks it.
class Lock {
 public:
  void lock();
  bool try_lock();
  void unlock();

  struct Statistics {
    bool locked = false;
    std::string owner = {};  // the name of the task that holds it; empty when nobody does, or one that has ended
    std::size_t tasks_waiting = 0;
  };
  Statistics statistics() const;

 private:
  const void* owner_ = nullptr;  // a Task
  boost::intrusive::list<Waiter> waiters_;
};

// Counts permits. acquire() is a checkpoint, the others are not; release() wakes the longest waiter.
class Semaphore {
 public:
  // UsageError when it is negative.
  explicit Semaphore(int initial);
  void acquire();
  bool try_acquire();
  void release();
  int value() const { return value_; }

  struct Statistics {
    std::size_t tasks_waiting = 0;
  };
  Statistics statistics() const { return {.tasks_waiting = waiters_.size()}; }

 private:
  int value_;
  boost::intrusive::list<Waiter> waiters_;
};

}  // namespace tractor
