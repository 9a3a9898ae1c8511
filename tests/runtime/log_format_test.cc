#include "runtime/log_format.h"

#include <gtest/gtest.h>

#include <regex>

#include "runtime/log.h"

namespace tractor::log {
namespace {

TEST(LogFormat, what_json_does_not_allow_in_a_string_is_escaped) {
  EXPECT_EQ(json_string(""), R"("")");
  EXPECT_EQ(json_string(R"(a "b" \ c)"), R"("a \"b\" \\ c")");
  EXPECT_EQ(json_string("two\nlines\tand \x01"), R"("two\nlines\u0009and \u0001")");
  EXPECT_EQ(json_string(std::string_view("\0", 1)), R"("\u0000")");
}

TEST(LogFormat, utf8_stays_and_what_is_none_becomes_a_replacement_character) {
  EXPECT_EQ(json_string("grüß dich \u20ac \U0001F600"), "\"grüß dich \u20ac \U0001F600\"");
  EXPECT_EQ(json_string("a\xff"
                        "b"),
            R"("a\ufffdb")");
  EXPECT_EQ(json_string("\xe2\x82"), R"("\ufffd\ufffd")");            // cut short
  EXPECT_EQ(json_string("\xc0\xaf"), R"("\ufffd\ufffd")");            // could be written shorter
  EXPECT_EQ(json_string("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")");  // a surrogate
}

TEST(LogFormat, an_unknown_format_is_an_error_that_names_those_there_are) {
  EXPECT_EQ(parse_format("json"), Format::json);
  try {
    parse_format("xml");
    ADD_FAILURE();
  } catch (const std::invalid_argument& e) {
    EXPECT_STREQ(e.what(), "no log format \"xml\"; there are text and json");
  }
}

TEST(LogFormat, a_line_of_json_says_when_who_and_what) {
  use_format(Format::json);
  set_context([]() -> std::string { return "donny@7f3a [say_hello#12] "; });
  testing::internal::CaptureStderr();
  write(Level::error, "it \"broke\"");
  set_context([]() -> std::string { return "[thread] "; });
  write(Level::error, "again");
  set_context(nullptr);
  write(Level::error, "and again");
  const std::string lines = testing::internal::GetCapturedStderr();
  use_format(Format::text);

  constexpr const char* kStart = R"(\{"time":"[0-9-]+T[0-9:]+\.[0-9]{3}Z","level":"error","pid":[0-9]+,)";
  const std::string first =
      std::string(kStart) + R"("actor":"donny@7f3a","task":"say_hello#12","message":"it \\"broke\\""\})";
  const std::string second = std::string(kStart) + R"("task":"thread","message":"again"\})";
  const std::string third = std::string(kStart) + R"("message":"and again"\})";
  EXPECT_TRUE(std::regex_match(lines, std::regex(first + "\n" + second + "\n" + third + "\n"))) << lines;
}

}  // namespace
}  // namespace tractor::log
