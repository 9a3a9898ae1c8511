#include "runtime/task/sync.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <vector>

#include "runtime/task/task_nursery.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

TEST(Event, is_seen_by_all_that_wait_and_by_all_that_come_later) {
  run_virtual([] {
    Event event;
    int seen = 0;
    open_task_nursery([&](TaskNursery& t) {
      for (int i = 0; i < 3; ++i) {
        t.start_soon([&] {
          event.wait();
          ++seen;
        });
      }
      sleep(1s);
      EXPECT_EQ(seen, 0);
      EXPECT_FALSE(event.is_set());
      event.set();
      event.set();
    });
    EXPECT_EQ(seen, 3);
    event.wait();
  });
}

TEST(Event, waiting_is_a_checkpoint_even_when_it_is_set) {
  run_virtual([] {
    Event event;
    event.set();
    auto scope = move_on_after(0s, [&] { event.wait(); });
    EXPECT_TRUE(scope.cancelled_caught());
  });
}

TEST(Event, a_cancelled_waiter_leaves_the_queue) {
  run_virtual([] {
    Event event;
    move_on_after(1s, [&] { event.wait(); });
    event.set();
  });
}

TEST(Lock, is_held_by_one_task_at_a_time_and_handed_over_in_order) {
  run_virtual([] {
    Lock lock;
    std::vector<int> order;
    int inside = 0;
    open_task_nursery([&](TaskNursery& t) {
      for (int i = 0; i < 5; ++i) {
        t.start_soon([&, i] {
          const std::unique_lock held(lock);
          EXPECT_EQ(++inside, 1);
          sleep(1s);
          order.push_back(i);
          --inside;
        });
      }
    });
    EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4}));
  });
}

TEST(Lock, unlocking_and_locking_again_does_not_overtake_those_that_wait) {
  run_virtual([] {
    Lock lock;
    std::vector<char> order;
    auto work = [&](char name) {
      for (int i = 0; i < 2; ++i) {
        lock.lock();
        order.push_back(name);
        lock.unlock();
      }
    };
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon(work, 'a');
      t.start_soon(work, 'b');
    });
    EXPECT_EQ(order, (std::vector{'a', 'b', 'a', 'b'}));
  });
}

TEST(Lock, a_cancelled_waiter_does_not_get_it) {
  run_virtual([] {
    Lock lock;
    lock.lock();
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] { EXPECT_TRUE(move_on_after(1s, [&] { lock.lock(); }).cancelled_caught()); });
      sleep(2s);
      lock.unlock();
      EXPECT_TRUE(lock.try_lock());
      lock.unlock();
    });
    EXPECT_TRUE(move_on_after(0s, [&] { lock.lock(); }).cancelled_caught());
    EXPECT_TRUE(lock.try_lock());
    lock.unlock();
  });
}

TEST(Lock, misuse_is_a_usage_error) {
  Lock lock;
  EXPECT_THROW(lock.lock(), UsageError);
  run_virtual([&] {
    lock.lock();
    EXPECT_FALSE(lock.try_lock());
    EXPECT_THROW(lock.lock(), UsageError);
    open_task_nursery([&](TaskNursery& t) { t.start_soon([&] { EXPECT_THROW(lock.unlock(), UsageError); }); });
    lock.unlock();
    EXPECT_THROW(lock.unlock(), UsageError);
  });
}

TEST(Lock, two_are_taken_by_scoped_lock) {
  run_virtual([] {
    Lock a;
    Lock b;
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] {
        const std::scoped_lock both(a, b);
        sleep(1s);
      });
      t.start_soon([&] {
        const std::scoped_lock both(b, a);
        sleep(1s);
      });
    });
  });
}

TEST(Semaphore, lets_as_many_in_as_it_has_permits) {
  run_virtual([] {
    Semaphore permits(3);
    int inside = 0;
    int most = 0;
    const auto start = Clock::now();
    open_task_nursery([&](TaskNursery& t) {
      for (int i = 0; i < 9; ++i) {
        t.start_soon([&] {
          permits.acquire();
          most = std::max(most, ++inside);
          sleep(1s);
          --inside;
          permits.release();
        });
      }
    });
    EXPECT_EQ(most, 3);
    EXPECT_EQ(permits.value(), 3);
    EXPECT_EQ(Clock::now() - start, 3s);
  });
}

TEST(Semaphore, a_released_permit_goes_to_the_longest_waiter) {
  run_virtual([] {
    Semaphore permits(0);
    EXPECT_FALSE(permits.try_acquire());
    open_task_nursery([&](TaskNursery& t) {
      std::string order;
      for (const char who : {'a', 'b', 'c'}) {
        t.start_soon([&permits, &order, who] { permits.acquire(), order += who; });
        yield_now();
      }
      permits.release();
      EXPECT_EQ(permits.value(), 0);
      EXPECT_FALSE(permits.try_acquire()) << "it is a's, though a has not run yet";
      yield_now();
      EXPECT_EQ(order, "a");
      permits.release();
      permits.release();
      yield_now();
      EXPECT_EQ(order, "abc");
    });
    permits.release();
    EXPECT_TRUE(permits.try_acquire());
  });
}

TEST(Semaphore, a_cancelled_waiter_takes_no_permit) {
  run_virtual([] {
    Semaphore permits(0);
    EXPECT_TRUE(move_on_after(1s, [&] { permits.acquire(); }).cancelled_caught());
    permits.release();
    EXPECT_EQ(permits.value(), 1);
    EXPECT_TRUE(move_on_after(0s, [&] { permits.acquire(); }).cancelled_caught());
    EXPECT_EQ(permits.value(), 1);
    EXPECT_THROW(Semaphore(-1), UsageError);
  });
}

TEST(Sync, statistics_tell_who_holds_and_how_many_wait) {
  run_virtual([] {
    Event event;
    Lock lock;
    Semaphore permits(0);
    EXPECT_FALSE(lock.statistics().locked);
    open_task_nursery([&](TaskNursery& t) {
      t.start_named("holder", [&] {
        const std::scoped_lock held(lock);
        event.wait();
      });
      for (int i = 0; i < 2; ++i) {
        t.start_soon([&] {
          const std::scoped_lock held(lock);
          permits.acquire();
        });
      }
      sleep(1s);
      EXPECT_EQ(event.statistics().tasks_waiting, 1U);
      EXPECT_TRUE(lock.statistics().locked);
      EXPECT_EQ(lock.statistics().owner, "holder#2");
      EXPECT_EQ(lock.statistics().tasks_waiting, 2U);
      event.set();
      sleep(1s);
      EXPECT_EQ(lock.statistics().tasks_waiting, 1U);
      EXPECT_EQ(permits.statistics().tasks_waiting, 1U);
      permits.release();
      permits.release();
    });
    EXPECT_EQ(lock.statistics().owner, "");
  });
}

}  // namespace
}  // namespace tractor
