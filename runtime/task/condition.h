// Tasks that wait for a change of state: wait_until() parks until its predicate holds; whoever changes what it looks at
// calls notify().
//
// Loop thread only. Unlike Event it can happen many times. May be destroyed only when nobody waits.
#pragma once

#include <boost/intrusive/list.hpp>

#include "runtime/task/scheduler.h"

namespace tractor {

class Condition {
 public:
  // Checks the predicate now and after each notify(). A checkpoint only if it must wait.
  template <class Predicate>
  void wait_until(const char* what, Predicate&& predicate) {
    while (!predicate()) {
      Waiter waiter(what);
      waiter.wait_in(waiters_);
    }
  }

  void notify() {
    while (!waiters_.empty()) {
      Waiter& waiter = waiters_.front();
      waiters_.pop_front();
      waiter.wake();
    }
  }

 private:
  boost::intrusive::list<Waiter> waiters_;
};

}  // namespace tractor
