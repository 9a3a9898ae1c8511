#include "runtime/actor/function_table.h"

#include <gtest/gtest.h>

namespace tractor {
namespace {

void some_function() {}
void other_function() {}

Function make(const std::string& module, const std::string& name, void (*key)() = some_function) {
  return {
      .module = module,
      .name = name,
      .qualified_name = module + '.' + name,
      .parameters = {{.name = "screen", .type = "int32"}, {.name = "seat", .type = "optional int32", .optional = true}},
      .key = key,
      .call = [](std::vector<std::optional<Value>> arguments, CallEnvironment&) {
        return arguments[1].value_or(Value("none"));
      }};
}

std::string refusal(const std::function<void()>& f) {
  try {
    f();
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

TEST(FunctionTable, finds_by_name_and_by_address) {
  FunctionTable table;
  table.add(make("cinema", "movie"));
  ASSERT_NE(table.find("cinema.movie"), nullptr);
  EXPECT_EQ(table.find(FunctionKey(&some_function)), table.find("cinema.movie"));
  EXPECT_EQ(table.find("cinema.other"), nullptr);
  EXPECT_EQ(table.find(FunctionKey(&other_function)), nullptr);
}

TEST(FunctionTable, a_name_or_a_function_taken_twice_is_an_error_that_names_both) {
  FunctionTable table;
  table.add(make("cinema", "movie"));
  EXPECT_NE(
      refusal([&] { table.add(make("cinema", "movie", other_function)); }).find("\"cinema.movie\" is defined twice"),
      std::string::npos);
  const std::string same = refusal([&] { table.add(make("cinema", "film")); });
  EXPECT_NE(same.find("cinema.film"), std::string::npos);
  EXPECT_NE(same.find("cinema.movie"), std::string::npos);
}

TEST(FunctionTable, names_are_names) {
  FunctionTable table;
  for (const char* bad : {"", "a.b", "9a", "a b", "a-b"}) {
    EXPECT_THROW(table.add(make("cinema", bad)), UsageError) << bad;
    EXPECT_THROW(table.add(make(bad, "movie")), UsageError) << bad;
  }
}

TEST(FunctionTable, an_unknown_module_is_named_with_those_that_exist) {
  FunctionTable table;
  EXPECT_NE(refusal([&] { table.check_module_name("x"); }).find("there are none"), std::string::npos);
  table.add(make("cinema", "movie"));
  EXPECT_NE(refusal([&] { table.check_module_name("x"); }).find("\"cinema\""), std::string::npos);
}

TEST(Function, binds_positions_and_names) {
  const Function function = make("cinema", "movie");
  const auto bound = function.bind({.positional = {1}, .named = {{"seat", 2}}});
  EXPECT_EQ(*bound[0], Value(1));
  EXPECT_EQ(*bound[1], Value(2));
  EXPECT_FALSE(function.bind({.named = {{"screen", 1}}})[1].has_value());
}

TEST(Function, refuses_missing_surplus_unknown_and_double_arguments_by_name) {
  const Function function = make("cinema", "movie");
  EXPECT_EQ(refusal([&] { function.bind({}); }),
            "cinema.movie(screen, seat): the argument \"screen\" (int32) is missing");
  EXPECT_EQ(refusal([&] {
              function.bind({.positional = {1, 2, 3}});
            }),
            "cinema.movie(screen, seat): takes 2 arguments, got 3");
  EXPECT_EQ(refusal([&] {
              function.bind({.positional = {1}, .named = {{"row", 2}}});
            }),
            "cinema.movie(screen, seat): has no parameter \"row\"");
  EXPECT_EQ(refusal([&] {
              function.bind({.positional = {1}, .named = {{"screen", 2}}});
            }),
            "cinema.movie(screen, seat): got \"screen\" twice, by position and by name");
}

}  // namespace
}  // namespace tractor
