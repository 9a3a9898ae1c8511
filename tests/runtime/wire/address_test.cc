#include "runtime/wire/address.h"

#include <gtest/gtest.h>

#include "runtime/task/error.h"

namespace tractor {
namespace {

TEST(Address, what_is_parsed_is_written_back) {
  for (const char* text : {"unix:/tmp/a.sock", "127.0.0.1:1616", "localhost:0", "[::1]:65535", "arbiter.example:80"}) {
    EXPECT_EQ(to_string(parse_address(text)), text);
  }
  EXPECT_EQ(parse_address("unix:///tmp/a.sock").path, "/tmp/a.sock");
}

TEST(Address, what_does_not_parse_is_named_with_the_forms_there_are) {
  for (const char* text : {"", "bogus", "unix:relative", "unix:", ":1616", "host:", "host:port", "host:65536",
                           "host:-1", "host:1x", "::1:80", "a b:80", "http://host:80"}) {
    try {
      parse_address(text);
      ADD_FAILURE() << text;
    } catch (const UsageError& e) {
      EXPECT_NE(std::string(e.what()).find("\"" + std::string(text) + "\""), std::string::npos) << e.what();
      EXPECT_NE(std::string(e.what()).find("host:port"), std::string::npos) << e.what();
    }
  }
}

TEST(Address, a_unix_path_longer_than_the_kernel_takes_is_refused) {
  EXPECT_NO_THROW(parse_address("unix:/" + std::string(kMaxSocketPath - 1, 'x')));
  EXPECT_THROW(parse_address("unix:/" + std::string(kMaxSocketPath, 'x')), UsageError);
}

}  // namespace
}  // namespace tractor
