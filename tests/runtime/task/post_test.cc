#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "runtime/task/scheduler.h"
#include "runtime/task/sync.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

TEST(Post, from_another_thread_wakes_a_loop_that_waits) {
  run_with_threads([] {
    Scheduler& scheduler = Scheduler::current();
    Event event;
    std::thread other([&] { scheduler.post([&] { event.set(); }); });
    event.wait();
    other.join();
  });
}

TEST(Post, everything_that_many_threads_post_runs_once_and_in_each_threads_order) {
  run_with_threads([] {
    constexpr int kThreads = 4;
    constexpr int kEach = 2000;
    Scheduler& scheduler = Scheduler::current();
    std::vector<int> next(kThreads, 0);
    int total = 0;
    Event done;
    std::vector<std::thread> threads;
    for (int k = 0; k < kThreads; ++k) {
      threads.emplace_back([&, k] {
        for (int i = 0; i < kEach; ++i) {
          scheduler.post([&, k, i] {
            EXPECT_EQ(next[static_cast<std::size_t>(k)]++, i);
            if (++total == kThreads * kEach) done.set();
          });
        }
      });
    }
    done.wait();
    for (auto& thread : threads) thread.join();
  });
}

TEST(Post, from_the_loop_itself_runs_soon_also_when_posted_by_a_posted_function) {
  run_virtual([] {
    int ran = 0;
    Event event;
    Scheduler& scheduler = Scheduler::current();
    scheduler.post([&] {
      ++ran;
      scheduler.post([&] {
        ++ran;
        event.set();
      });
    });
    EXPECT_EQ(ran, 0);
    event.wait();
    EXPECT_EQ(ran, 2);
  });
}

TEST(Post, before_the_run_is_run_and_after_the_last_turn_is_destroyed) {
  VirtualPort port;
  int ran = 0;
  auto held = std::make_shared<int>(1);
  {
    Scheduler scheduler(port);
    scheduler.post([&] { ++ran; });
    scheduler.run([] { yield_now(), sleep(1s); });
    EXPECT_EQ(ran, 1);
    scheduler.post([&ran, held] { ++ran; });
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace tractor
