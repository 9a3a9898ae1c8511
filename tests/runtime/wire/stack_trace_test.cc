#include "runtime/wire/stack_trace.h"

#include <gtest/gtest.h>

#include <array>

#include "runtime/task/backtrace.h"

namespace tractor {
namespace scene {

[[gnu::noinline]] std::string text(std::vector<std::string>& names, int /*ignored*/) {
  std::array<void*, 8> frames{};
  const std::size_t count = backtrace(frames, 0);
  names = function_names(std::span(frames).first(count));
  return "";
}
[[gnu::noinline]] int number(std::vector<std::string>& names) { return text(names, 1).empty() ? 1 : 2; }

}  // namespace scene

TEST(StackTrace, names_functions_without_the_types_of_parameters) {
  std::vector<std::string> names;
  scene::number(names);
  ASSERT_GE(names.size(), 2U);
  EXPECT_EQ(names[0], "tractor::scene::text()");  // returns a string, so that its name has an ABI tag
  EXPECT_EQ(names[1], "tractor::scene::number()");
}

}  // namespace tractor
