#include "runtime/task/worker_threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>

#include "runtime/task/task_nursery.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

TEST(ToThread, returns_the_value) {
  run_with_threads([] {
    EXPECT_EQ(to_thread([] { return 6 * 7; }), 42);
    EXPECT_EQ(*to_thread([p = std::make_unique<int>(3)]() mutable { return std::move(p); }), 3);
    bool ran = false;
    to_thread([&] { ran = true; });
    EXPECT_TRUE(ran);
  });
}

TEST(ToThread, rethrows_the_exception) {
  run_with_threads([] {
    EXPECT_THROW(to_thread([]() -> int { throw std::runtime_error("there"); }), std::runtime_error);
    EXPECT_THROW(to_thread([] { throw 1; }), int);
  });
}

TEST(ToThread, runs_elsewhere_where_the_api_refuses_to_work) {
  run_with_threads([] {
    const auto here = std::this_thread::get_id();
    to_thread([&] {
      EXPECT_NE(std::this_thread::get_id(), here);
      EXPECT_EQ(Scheduler::try_current(), nullptr);
      EXPECT_THROW(checkpoint(), UsageError);
      EXPECT_THROW(to_thread([] {}), UsageError);
    });
  });
}

TEST(ToThread, other_tasks_run_meanwhile) {
  run_with_threads([] {
    std::promise<void> release;
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] { to_thread([&] { release.get_future().wait(); }); });
      for (int i = 0; i < 10; ++i) checkpoint();
      release.set_value();
    });
  });
}

TEST(ToThread, an_idle_thread_is_used_again) {
  run_with_threads([] {
    std::set<std::thread::id> threads;
    for (int i = 0; i < 50; ++i) threads.insert(to_thread([] { return std::this_thread::get_id(); }));
    EXPECT_EQ(threads.size(), 1U);
  });
}

TEST(ToThread, runs_at_most_40_at_once_and_the_others_wait_their_turn) {
  run_with_threads([] {
    std::atomic<int> inside = 0;
    std::atomic<int> most = 0;
    std::promise<void> release;
    const std::shared_future<void> released(release.get_future());
    open_task_nursery([&](TaskNursery& t) {
      for (int i = 0; i < 100; ++i) {
        t.start_soon([&] {
          to_thread([&] {
            const int now = ++inside;
            int before = most;
            while (now > before && !most.compare_exchange_weak(before, now)) {
            }
            released.wait();
            --inside;
          });
        });
      }
      while (inside < WorkerThreads::kLimit) checkpoint();
      for (int i = 0; i < 100; ++i) checkpoint();
      release.set_value();
    });
    EXPECT_EQ(most, WorkerThreads::kLimit);
  });
}

TEST(ToThread, is_a_checkpoint_at_entry) {
  run_with_threads([] {
    bool ran = false;
    auto scope = move_on_after(0s, [&] { to_thread([&] { ran = true; }); });
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_FALSE(ran);
  });
}

TEST(ToThread, cancelled_meanwhile_it_waits_for_the_thread_and_returns_its_value) {
  run_with_threads([] {
    std::promise<void> release;
    CancelScope scope;
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] {
        scope.cancel();
        for (int i = 0; i < 10; ++i) yield_now();
        release.set_value();
      });
      scope.run([&] {
        EXPECT_EQ(to_thread([&] {
                    release.get_future().wait();
                    return 5;
                  }),
                  5);
        EXPECT_TRUE(currently_cancelled());
      });
    });
    EXPECT_FALSE(scope.cancelled_caught());
  });
}

TEST(ToThread, a_function_that_takes_a_stop_token_is_told_and_cancelled_is_thrown) {
  run_with_threads([] {
    bool stopped = false;
    auto scope = move_on_after(1s, [&] {
      to_thread([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) std::this_thread::yield();
        stopped = true;
        return 5;
      });
      ADD_FAILURE();
    });
    EXPECT_TRUE(stopped);
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_EQ(to_thread([](const std::stop_token& stop) { return stop.stop_requested() ? 1 : 2; }), 2);
  });
}

TEST(ToThread, an_exception_is_not_hidden_by_cancellation) {
  run_with_threads([] {
    EXPECT_THROW(move_on_after(1s,
                               [&] {
                                 to_thread([](const std::stop_token& stop) {
                                   while (!stop.stop_requested()) std::this_thread::yield();
                                   throw std::runtime_error("stopped half way");
                                 });
                               }),
                 std::runtime_error);
  });
}

TEST(ToThread, outside_a_running_program_is_a_usage_error) {
  EXPECT_THROW(to_thread([] {}), UsageError);
}

}  // namespace
}  // namespace tractor
