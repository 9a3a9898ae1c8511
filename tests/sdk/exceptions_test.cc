#include "tractor/exceptions.h"

#include <gtest/gtest.h>
#include <tractor/tractor.h>

namespace tractor {
namespace {

struct Torn : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string refusal(const std::function<void()>& define) {
  try {
    define();
  } catch (const UsageError& e) {
    return e.what();
  }
  return "";
}

class ExceptionTypes : public testing::Test {
 protected:
  Exceptions exceptions() { return program_.exceptions(); }

 private:
  char* no_arguments_[1] = {nullptr};
  Program program_{0, no_arguments_};
};

TEST_F(ExceptionTypes, a_type_has_one_name) {
  exceptions().def<Torn>("film.Torn");
  EXPECT_NE(refusal([&] { exceptions().def<Torn>("film.Ripped"); }).find("\"film.Torn\" are both the exception type"),
            std::string::npos);
}

TEST_F(ExceptionTypes, a_name_has_one_type) {
  exceptions().def<Torn>("film.Torn");
  EXPECT_NE(refusal([&] { exceptions().def<std::out_of_range>("film.Torn"); }).find("\"film.Torn\" is defined twice"),
            std::string::npos);
}

TEST_F(ExceptionTypes, a_name_is_text_that_every_error_has_room_for) {
  for (const std::string& name : {std::string(), std::string(256, 'x'), std::string("\xff")})
    EXPECT_NE(refusal([&] { exceptions().def<Torn>(name); }).find("cannot be the name"), std::string::npos) << name;
  EXPECT_NE(refusal([&] { exceptions().def<Torn>("tractor::Torn"); }).find("the library's"), std::string::npos);
}

}  // namespace
}  // namespace tractor
