// Numbers that the design promises.
#include <gtest/gtest.h>

#include "runtime/task/sanitizers.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/task_nursery.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

// ThreadSanitizer allows about 8,000 stacks.
constexpr int kSleepers = kSanitized ? 5'000 : 100'000;

TEST(Scale, A52_a_hundred_thousand_tasks_sleep) {
  VirtualPort port;
  Scheduler scheduler(port);
  int woken = 0;
  scheduler.run([&] {
    open_task_nursery([&](TaskNursery& t) {
      for (int i = 0; i < kSleepers; ++i) {
        t.start_soon([&woken, i] {
          sleep(std::chrono::milliseconds(1 + i % 997));
          ++woken;
        });
      }
    });
  });
  EXPECT_EQ(woken, kSleepers);
  EXPECT_EQ(scheduler.statistics().tasks_alive, 0U);
}

TEST(Scale, A52_a_hundred_thousand_sleepers_are_cancelled_at_once) {
  VirtualPort port;
  Scheduler scheduler(port);
  scheduler.run([] {
    auto scope = move_on_after(1s, [] {
      open_task_nursery([](TaskNursery& t) {
        for (int i = 0; i < kSleepers; ++i) t.start_soon([] { sleep_forever(); });
      });
    });
    EXPECT_TRUE(scope.cancelled_caught());
  });
  EXPECT_EQ(scheduler.statistics().tasks_alive, 0U);
}

TEST(Scale, A52_a_million_switches) {
  VirtualPort port;
  Scheduler scheduler(port);
  scheduler.run([] {
    open_task_nursery([](TaskNursery& t) {
      for (int k = 0; k < 10; ++k) {
        t.start_soon([] {
          for (int i = 0; i < 100'000; ++i) yield_now();
        });
      }
    });
  });
  EXPECT_GE(scheduler.statistics().switches, 1'000'000U);
  EXPECT_GE(scheduler.statistics().turns, 100'000U);
}

}  // namespace
}  // namespace tractor
