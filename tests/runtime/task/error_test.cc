#include "runtime/task/error.h"

#include <gtest/gtest.h>

#include <new>
#include <string>

#include "runtime/task/clock.h"

namespace tractor {
namespace {

TEST(Describe, says_what_the_exception_says) {
  EXPECT_EQ(describe(std::make_exception_ptr(std::runtime_error("text"))), "text");
  EXPECT_EQ(describe(std::make_exception_ptr(std::string("a string"))), "a string");
  EXPECT_EQ(describe(std::make_exception_ptr(static_cast<const char*>("literal"))), "literal");
  EXPECT_EQ(describe(std::make_exception_ptr(42)), "int");
  EXPECT_EQ(describe(nullptr), "no error");
}

TEST(TypeNameOf, is_readable) {
  EXPECT_EQ(type_name_of(std::make_exception_ptr(std::runtime_error("text"))), "std::runtime_error");
  EXPECT_EQ(type_name_of(std::make_exception_ptr(TooSlowError("x"))), "tractor::TooSlowError");
  EXPECT_EQ(type_name_of(std::make_exception_ptr(1)), "int");
  EXPECT_EQ(type_name_of(nullptr), "no error");
}

TEST(Clock, deadlines_do_not_overflow) {
  EXPECT_EQ(deadline_after(Clock::duration::max()), Clock::kNever);
  EXPECT_LE(deadline_after(Clock::duration::min()), Clock::now());
  EXPECT_GT(deadline_after(std::chrono::seconds(1)), Clock::now());
}

}  // namespace
}  // namespace tractor
