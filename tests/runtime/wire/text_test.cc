#include "runtime/wire/text.h"

#include <gtest/gtest.h>

namespace tractor {
namespace {

TEST(Text, what_is_no_utf8_is_shown) {
  EXPECT_EQ(utf8_text("Zo\xc3\xab"), "Zo\xc3\xab");
  EXPECT_EQ(utf8_text("caf\xe9"), "caf\\xe9");
}

TEST(Text, a_text_that_is_too_long_is_cut_between_characters_and_says_so) {
  const std::string whole(200, 'x');
  EXPECT_EQ(cut_text(whole, 200), whole);
  EXPECT_EQ(cut_text(whole, 100), std::string(73, 'x') + "... (cut, 200 bytes in all)");
  std::string umlauts;
  for (int i = 0; i < 100; ++i) umlauts += "\xc3\xa4";
  EXPECT_EQ(cut_text(umlauts, 100).size() % 2, cut_text(umlauts, 101).size() % 2);
  EXPECT_EQ(cut_text(whole, 20), "") << "no room to say it";
}

TEST(Text, a_line_stays_one) { EXPECT_EQ(one_line("a\nb\x1b[31m\tc"), "a\\x0ab\\x1b[31m\\x09c"); }

}  // namespace
}  // namespace tractor
