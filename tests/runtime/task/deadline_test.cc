// Deadlines of scopes, move_on_after, fail_after.
#include <gtest/gtest.h>

#include <stdexcept>

#include "runtime/task/cancel_scope.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/task_nursery.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

Clock::duration elapsed(Clock::time_point since) { return Clock::now() - since; }

TEST(Deadline, a_deadline_cancels_when_it_passes) {
  run_virtual([] {
    const auto start = Clock::now();
    CancelScope scope({.deadline = deadline_after(3s)});
    scope.run([] { sleep_forever(); });
    EXPECT_EQ(elapsed(start), 3s);
    EXPECT_TRUE(scope.cancelled_caught());
  });
}

TEST(Deadline, A51_a_deadline_moves_later_and_earlier) {
  run_virtual([] {
    const auto start = Clock::now();
    CancelScope later({.deadline = start + 1s});
    later.run([&] {
      later.set_deadline(start + 5s);
      sleep(2s);
      later.set_deadline(start + 3s);
      sleep_forever();
    });
    EXPECT_EQ(elapsed(start), 3s);
    CancelScope never({.deadline = Clock::now() + 1s});
    never.run([&] {
      never.set_deadline(Clock::kNever);
      sleep(10s);
    });
    EXPECT_FALSE(never.cancel_called());
  });
}

TEST(Deadline, another_task_moves_the_deadline_of_a_parked_one) {
  run_virtual([] {
    const auto start = Clock::now();
    CancelScope scope({.deadline = start + 100s});
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] {
        sleep(1s);
        scope.set_deadline(Clock::now() + 1s);
      });
      scope.run([] { sleep_forever(); });
    });
    EXPECT_EQ(elapsed(start), 2s);
  });
}

TEST(Deadline, a_deadline_that_has_passed_cancels_at_once) {
  run_virtual([] {
    auto scope = move_on_after(0s, [] { checkpoint(); });
    EXPECT_TRUE(scope.cancelled_caught());
    auto earlier = move_on_after(-1s, [] { sleep_forever(); });
    EXPECT_TRUE(earlier.cancelled_caught());
    CancelScope moved;
    moved.run([&] {
      moved.set_deadline(Clock::now());
      EXPECT_TRUE(moved.cancel_called());
    });
  });
}

TEST(Deadline, the_outer_of_two_deadlines_passing_at_once_absorbs) {
  run_virtual([] {
    const auto at = deadline_after(1s);
    CancelScope inner({.deadline = at});
    auto outer = move_on_at(at, [&] { inner.run([] { sleep_forever(); }); });
    EXPECT_TRUE(outer.cancelled_caught());
    EXPECT_FALSE(inner.cancelled_caught());
  });
}

TEST(Deadline, A51_the_effective_deadline_is_the_minimum_up_to_a_shield) {
  run_virtual([] {
    const auto now = Clock::now();
    EXPECT_EQ(current_effective_deadline(), Clock::kNever);
    CancelScope outer({.deadline = now + 1s});
    outer.run([&] {
      CancelScope inner({.deadline = now + 2s});
      inner.run([&] {
        EXPECT_EQ(current_effective_deadline(), now + 1s);
        inner.set_shield(true);
        EXPECT_EQ(current_effective_deadline(), now + 2s);
        inner.cancel();
        EXPECT_EQ(current_effective_deadline(), Clock::time_point::min());
      });
    });
  });
}

TEST(MoveOnAfter, goes_on_after_the_block_and_tells_whether_it_was_cut_short) {
  run_virtual([] {
    const auto start = Clock::now();
    EXPECT_TRUE(move_on_after(1s, [] { sleep(2s); }).cancelled_caught());
    EXPECT_EQ(elapsed(start), 1s);
    EXPECT_FALSE(move_on_after(2s, [] { sleep(1s); }).cancelled_caught());
    EXPECT_EQ(elapsed(start), 2s);
    EXPECT_FALSE(move_on_after(1s, [] { return 5; }).cancel_called());
    EXPECT_FALSE(move_on_after(Clock::duration::max(), [] { sleep(1s); }).cancel_called());
  });
}

TEST(FailAfter, returns_the_value_or_throws_too_slow) {
  run_virtual([] {
    EXPECT_EQ(fail_after(1s, [] { return 5; }), 5);
    fail_after(1s, [] { sleep(500ms); });
    EXPECT_THROW(fail_after(1s, [] { sleep(2s); }), TooSlowError);
    EXPECT_THROW(fail_after(1s,
                            [] {
                              sleep(2s);
                              return 5;
                            }),
                 TooSlowError);
    EXPECT_THROW(fail_after(1s, [] { throw std::runtime_error("own"); }), std::runtime_error);
  });
}

TEST(FailAfter, an_outer_cancellation_is_not_too_slow) {
  run_virtual([] {
    auto outer = move_on_after(1s, [] { fail_after(2s, [] { sleep_forever(); }); });
    EXPECT_TRUE(outer.cancelled_caught());
  });
}

TEST(FailAfter, without_time_left_the_block_runs_to_its_first_checkpoint) {
  run_virtual([] {
    for (const auto timeout : {Clock::duration(0s), Clock::duration(-1s), Clock::duration::min()}) {
      bool ran = false;
      const auto block = [&] {
        ran = true;
        checkpoint();
        ADD_FAILURE();
      };
      EXPECT_THROW(fail_after(timeout, block), TooSlowError);
      EXPECT_TRUE(ran);
      EXPECT_EQ(fail_after(timeout, [] { return 5; }), 5) << "a block that meets no checkpoint is not cut short";
    }
  });
}

}  // namespace
}  // namespace tractor
