#include "arbiter/tree_registrar.h"

#include <gtest/gtest.h>

namespace tractor::arbiter {
namespace {

using namespace std::chrono_literals;

// Of many trees that lost their arbiter at the same moment.
TEST(Reconnecting, everyone_comes_at_a_time_of_their_own) {
  std::minstd_rand random(1);
  constexpr int kTrees = 10'000;
  std::map<Clock::duration, int> in_this_tenth_of_a_second;
  for (int i = 0; i < kTrees; ++i) {
    const Clock::duration pause = reconnect_pause(10, random);
    EXPECT_GE(pause, 400ms);
    EXPECT_LE(pause, 1200ms);
    ++in_this_tenth_of_a_second[pause / 100ms * Clock::duration(100ms)];
  }
  for (const auto& [when, trees] : in_this_tenth_of_a_second) EXPECT_LT(trees, kTrees / 8 + 200) << when.count();
}

TEST(Reconnecting, the_first_try_comes_soon_and_later_ones_later_but_no_later_than_that) {
  std::minstd_rand random(1);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_LE(reconnect_pause(1, random), 150ms);
    EXPECT_GE(reconnect_pause(2, random), 100ms);
    EXPECT_LE(reconnect_pause(1'000'000, random), 1200ms);
  }
}

}  // namespace
}  // namespace tractor::arbiter
