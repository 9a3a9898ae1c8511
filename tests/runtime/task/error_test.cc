#include "runtime/task/error.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/task/clock.h"

namespace tractor {
namespace {

TEST(Describe, says_what_the_exception_says) {
  EXPECT_EQ(describe(std::make_exception_ptr(std::runtime_error("text"))), "text");
  EXPECT_EQ(describe(std::make_exception_ptr(std::string("a string"))), "a string");
  EXPECT_EQ(describe(std::make_exception_ptr(static_cast<const char*>("literal"))), "literal");
  EXPECT_EQ(describe(std::make_exception_ptr(42)), "42");
  EXPECT_EQ(describe(std::make_exception_ptr(std::pair(1, 2))), "std::pair<int, int>");
  EXPECT_EQ(describe(nullptr), "no error");
}

TEST(TypeNameOf, is_readable) {
  EXPECT_EQ(type_name_of(std::make_exception_ptr(std::runtime_error("text"))), "std::runtime_error");
  EXPECT_EQ(type_name_of(std::make_exception_ptr(TooSlowError("x"))), "tractor::TooSlowError");
  EXPECT_EQ(type_name_of(std::make_exception_ptr(1)), "int");
  EXPECT_EQ(type_name_of(nullptr), "no error");
}

ExceptionGroup caught_group(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const ExceptionGroup& group) {
    return group;
  }
}

TEST(ExceptionGroup, its_text_counts_the_errors_and_tells_the_first_five) {
  const auto text_of = [](int count) -> std::string {
    std::vector<std::exception_ptr> errors;
    for (int i = 0; i < count; ++i) errors.push_back(std::make_exception_ptr(std::to_string(i)));
    return ExceptionGroup(std::move(errors)).what();
  };
  EXPECT_EQ(text_of(2), "2 errors: 0; 1");
  EXPECT_EQ(text_of(7), "7 errors: 0; 1; 2; 3; 4; and 2 more");
}

TEST(ExceptionGroup, splits_into_what_a_type_would_catch_and_the_rest) {
  const auto a = std::make_exception_ptr(std::out_of_range("a"));
  const auto b = std::make_exception_ptr(std::runtime_error("b"));
  const auto c = std::make_exception_ptr(std::length_error("c"));
  const auto d = std::make_exception_ptr(4);
  const ExceptionGroup group({a, b, c, d});
  const auto [logic, others] = group.split<std::logic_error>();
  EXPECT_EQ(caught_group(logic).exceptions(), (std::vector{a, c}));
  EXPECT_EQ(caught_group(others).exceptions(), (std::vector{b, d}));
  EXPECT_STREQ(caught_group(others).what(), "2 errors: b; 4");
  const auto [integer, classes] = group.split<int>();
  EXPECT_EQ(integer, d) << "one error alone is itself";
  EXPECT_EQ(caught_group(classes).exceptions(), (std::vector{a, b, c}));
  EXPECT_EQ(group.split<std::string>().matching, nullptr);
  EXPECT_EQ(ExceptionGroup({a, b}).split<std::exception>().rest, nullptr);
}

TEST(ExceptionGroup, split_goes_into_groups_and_keeps_their_shape) {
  const auto one = std::make_exception_ptr(1);
  const auto two = std::make_exception_ptr(2);
  const auto text = std::make_exception_ptr(std::string("text"));
  const auto error = std::make_exception_ptr(std::runtime_error("error"));
  const auto integers = std::make_exception_ptr(ExceptionGroup({one, two}));
  const auto mixed = std::make_exception_ptr(ExceptionGroup({one, text, two}));
  const auto [matching, rest] = ExceptionGroup({integers, error, mixed}).split<int>();
  const ExceptionGroup found = caught_group(matching);
  ASSERT_EQ(found.exceptions().size(), 2U);
  EXPECT_EQ(found.exceptions()[0], integers) << "a group that matches as a whole is itself";
  EXPECT_EQ(caught_group(found.exceptions()[1]).exceptions(), (std::vector{one, two}));
  EXPECT_EQ(caught_group(rest).exceptions(), (std::vector{error, text}));
  // Groups are runtime errors themselves, which says nothing of what is in them.
  const auto [runtime_errors, others] = ExceptionGroup({integers, error}).split<std::runtime_error>();
  EXPECT_EQ(runtime_errors, error);
  EXPECT_EQ(others, integers);
}

TEST(Clock, deadlines_do_not_overflow) {
  EXPECT_EQ(deadline_after(Clock::duration::max()), Clock::kNever);
  EXPECT_LE(deadline_after(Clock::duration::min()), Clock::now());
  EXPECT_GT(deadline_after(std::chrono::seconds(1)), Clock::now());
}

}  // namespace
}  // namespace tractor
