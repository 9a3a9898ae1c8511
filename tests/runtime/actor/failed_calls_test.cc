#include "runtime/actor/failed_calls.h"

#include <gtest/gtest.h>

namespace tractor {
namespace {

using namespace std::chrono_literals;
const Clock::time_point kStart{1h};

TEST(FailedCalls, the_first_is_told_of_at_once_and_the_others_of_a_second_with_the_next) {
  FailedCalls calls;
  EXPECT_EQ(calls.add("a.f", kStart), 1);
  for (int i = 0; i < 999; ++i) EXPECT_EQ(calls.add("a.f", kStart + i * 1ms), 0);
  EXPECT_EQ(calls.add("a.f", kStart + 1s), 1000);
  EXPECT_EQ(calls.add("a.f", kStart + 5s), 1);
}

TEST(FailedCalls, functions_do_not_hide_each_other) {
  FailedCalls calls;
  EXPECT_EQ(calls.add("a.f", kStart), 1);
  EXPECT_EQ(calls.add("a.g", kStart), 1);
  EXPECT_EQ(calls.add("", kStart), 1);
}

}  // namespace
}  // namespace tractor
