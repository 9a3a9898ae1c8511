#include "runtime/task/gather.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "runtime/task/scheduler.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

TEST(Gather, runs_functions_at_once_and_gives_their_results_in_order) {
  run_virtual([] {
    const Clock::time_point start = Clock::now();
    int effects = 0;
    const auto [number, text, nothing] = gather(
        [] {
          sleep(2s);
          return 7;
        },
        [] {
          sleep(1s);
          return std::string("seven");
        },
        [&] { ++effects; });
    EXPECT_EQ(number, 7);
    EXPECT_EQ(text, "seven");
    EXPECT_EQ(nothing, std::monostate());
    EXPECT_EQ(effects, 1);
    EXPECT_EQ(Clock::now() - start, 2s);
  });
}

TEST(Gather, takes_as_many_functions_as_there_are) {
  run_virtual([] {
    std::vector<std::function<int()>> squares;
    for (int i = 0; i < 100; ++i) {
      squares.emplace_back([i] {
        sleep(std::chrono::milliseconds(100 - i));
        return i * i;
      });
    }
    const std::vector<int> results = gather(squares);
    ASSERT_EQ(results.size(), 100U);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(results[static_cast<std::size_t>(i)], i * i);
    EXPECT_TRUE(gather(std::vector<std::function<int()>>()).empty());
  });
}

TEST(Gather, the_first_failure_cancels_the_others_and_is_thrown) {
  run_virtual([] {
    int cancelled = 0;
    EXPECT_THROW(gather([&] { wait_and_count(cancelled); }, []() -> int { throw std::out_of_range("x"); }),
                 std::out_of_range);
    EXPECT_EQ(cancelled, 1);
  });
}

TEST(Gather, whose_nursery_absorbs_what_cancelled_it_says_so) {
  run_virtual([] {
    CancelScope outer;
    CancelScope inner;
    outer.run([&] {
      inner.run([&] {
        const auto shields_late = [&] {
          try {
            sleep_forever();
          } catch (const Cancelled&) {
            inner.set_shield(true);
            throw;
          }
          return 1;
        };
        EXPECT_THROW(gather(shields_late, [&] { return outer.cancel(), 2; }), NurseryCancelled);
      });
    });
  });
}

TEST(Gather, is_cancelled_with_the_scope_around_it) {
  run_virtual([] {
    int cancelled = 0;
    const CancelScope scope = move_on_after(1s, [&] { gather([&] { wait_and_count(cancelled); }, [] { return 1; }); });
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_EQ(cancelled, 1);
  });
}

}  // namespace
}  // namespace tractor
