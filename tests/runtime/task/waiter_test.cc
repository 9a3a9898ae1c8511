#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "runtime/task/scheduler.h"
#include "runtime/task/task_nursery.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

TEST(Waiter, returns_at_once_when_it_was_woken_before_it_waits) {
  run_virtual([] {
    Waiter waiter("a wake-up that was early");
    waiter.wake();
    CancelScope scope;
    scope.cancel();
    scope.run([&] {
      waiter.wait([] { return Abort::kDone; });
      EXPECT_FALSE(waiter.cancelled());
    });
    EXPECT_FALSE(scope.cancelled_caught());
  });
}

TEST(Waiter, the_abort_function_is_called_once_and_a_later_end_returns_normally) {
  run_virtual([] {
    int aborts = 0;
    CancelScope outer;
    open_task_nursery([&](TaskNursery& t) {
      outer.run([&] {
        CancelScope inner;
        inner.run([&] {
          Waiter waiter("an operation that cannot be aborted at once");
          t.start_soon([&] {
            sleep(1s);
            outer.cancel();
            inner.cancel();
            sleep(1s);
            waiter.wake();
          });
          waiter.wait([&] {
            ++aborts;
            return Abort::kLater;
          });
          EXPECT_TRUE(waiter.cancelled());
          EXPECT_THROW(throw_if_cancelled(), Cancelled);
        });
      });
    });
    EXPECT_EQ(aborts, 1);
  });
}

TEST(Waiter, an_abort_function_may_end_the_wait_itself) {
  run_virtual([] {
    CancelScope scope;
    scope.cancel();
    scope.run([&] {
      Waiter waiter("x");
      waiter.wait([&] {
        waiter.wake();
        return Abort::kLater;
      });
      EXPECT_TRUE(waiter.woken());
    });
  });
}

TEST(Waiter, a_wait_that_was_woken_is_not_aborted_any_more) {
  run_virtual([] {
    CancelScope scope;
    open_task_nursery([&](TaskNursery& t) {
      scope.run([&] {
        Waiter waiter("x");
        t.start_soon([&] {
          waiter.wake();
          scope.cancel();
        });
        waiter.wait([] {
          ADD_FAILURE();
          return Abort::kDone;
        });
      });
      EXPECT_FALSE(scope.cancelled_caught());
    });
  });
}

TEST(Waiter, a_shielded_wait_ignores_cancellation) {
  run_virtual([] {
    CancelScope scope;
    open_task_nursery([&](TaskNursery& t) {
      scope.run([&] {
        scope.cancel();
        Waiter waiter("x");
        t.start_soon([&] {
          sleep(1s);
          waiter.wake();
        });
        waiter.wait_shielded();
        EXPECT_FALSE(waiter.cancelled());
      });
    });
  });
}

TEST(Waiter, waking_twice_or_from_another_thread_is_a_usage_error) {
  run_virtual([] {
    open_task_nursery([](TaskNursery& tasks) {
      auto waiter = std::make_shared<Waiter>("x");
      tasks.start_soon([waiter] { waiter->wait_shielded(); });
      yield_now();
      std::thread([waiter] { EXPECT_THROW(waiter->wake(), UsageError); }).join();
      waiter->wake();
      EXPECT_THROW(waiter->wake(), UsageError);
    });
  });
}

}  // namespace
}  // namespace tractor
