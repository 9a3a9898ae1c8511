// Tables of documented rules, each with the test that holds it; and whether these tests exist.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <span>
#include <sstream>
#include <string>

namespace tractor {

struct Rule {
  const char* text;
  const char* test;  // "Suite.name"
};

// Adds the tests of a folder, read from its sources whose names begin so: a program knows its own tests only.
inline void add_tests_of(const std::filesystem::path& folder, const std::string& prefix, std::set<std::string>& tests) {
  const std::regex definition(R"(^TEST(?:_F)?\((\w+),\s+(\w+)\))", std::regex::multiline);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (!entry.path().filename().string().starts_with(prefix)) continue;
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    const std::string source = text.str();
    for (std::sregex_iterator at(source.begin(), source.end(), definition); at != std::sregex_iterator(); ++at)
      tests.insert((*at)[1].str() + "." + (*at)[2].str());
  }
}

inline void expect_each_has_a_test(std::span<const Rule> rules, const std::set<std::string>& tests) {
  for (const Rule& rule : rules)
    EXPECT_TRUE(tests.contains(rule.test)) << "no test " << rule.test << " for: " << rule.text;
}

}  // namespace tractor
