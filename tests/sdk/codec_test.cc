#include "tractor/codec.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>

namespace tractor {
namespace {

struct Point {
  int x = 0;
  double y = 0;
  std::optional<std::string> label = {};
  bool operator==(const Point&) const = default;
};
BOOST_DESCRIBE_STRUCT(Point, (), (x, y, label))

struct Shape {
  std::vector<Point> corners = {};
  std::map<std::string, Point> named = {};
  bool operator==(const Shape&) const = default;
};
BOOST_DESCRIBE_STRUCT(Shape, (), (corners, named))

template <class T>
void survives(const T& value) {
  EXPECT_EQ(Codec<T>::decode(Codec<T>::encode(value)), value);
}

template <class T>
std::string refusal(const Value& value) {
  try {
    Codec<T>::decode(value);
    return "";
  } catch (const DecodeError& e) {
    return e.what();
  }
}

TEST(Codec, every_type_survives) {
  survives(true);
  survives(std::numeric_limits<std::int64_t>::min());
  survives(std::numeric_limits<std::uint32_t>::max());
  survives(std::int8_t{-128});
  survives(1.1f);
  survives(std::numeric_limits<double>::infinity());
  survives(std::string("\0\xff", 2));
  survives(Value::Bytes{"abc"});
  survives(std::optional<int>());
  survives(std::optional<int>(3));
  survives(std::vector<std::vector<std::string>>{{"a"}, {}});
  survives(std::map<std::string, int>{{"a", 1}});
  survives(std::tuple<int, std::string, bool>{1, "two", true});
  survives(std::pair<int, double>{1, 2.5});
  survives(std::chrono::milliseconds(1500));
  survives(Point{1, 2.5, "p"});
  survives(Shape{{{1, 2, {}}}, {{"origin", {}}}});
}

TEST(Codec, nan_stays_nan) { EXPECT_TRUE(std::isnan(Codec<double>::decode(Codec<double>::encode(std::nan(""))))); }

TEST(Codec, what_does_not_fit_is_an_error_and_no_wrap) {
  EXPECT_EQ(refusal<std::int8_t>(300), "expected int8 (-128 to 127), got int64 300");
  EXPECT_NE(refusal<std::uint32_t>(-1), "");
  EXPECT_NE(refusal<float>(1e300), "");
  EXPECT_THROW(Codec<std::uint64_t>::encode(std::numeric_limits<std::uint64_t>::max()), std::out_of_range);
  EXPECT_NE(refusal<double>(std::numeric_limits<std::int64_t>::max()), "");
  EXPECT_EQ(Codec<double>::decode(7), 7.0);
}

TEST(Codec, a_wrong_type_says_what_was_expected_and_what_came) {
  EXPECT_EQ(refusal<std::int64_t>("two"), "expected int64, got string \"two\"");
  EXPECT_EQ(refusal<std::string>(1), "expected string, got int64 1");
  EXPECT_EQ(refusal<bool>(1), "expected bool, got int64 1");
  EXPECT_EQ(refusal<std::int64_t>(1.5), "expected int64, got double 1.5");
  EXPECT_EQ(refusal<std::vector<int>>(Value::List{1, "x"}), "expected int32, got string \"x\" in item 1");
  EXPECT_EQ((refusal<std::tuple<int, int>>(Value::List{1})), "expected tuple of (int32, int32), got list of 1");
}

TEST(Codec, described_structs_name_what_is_missing_or_wrong) {
  EXPECT_EQ(refusal<Point>(Value::Map{{"x", 1}}), "expected a member \"y\", got none");
  EXPECT_EQ(refusal<Point>(Value::Map{{"x", 1}, {"y", "up"}}), "expected double, got string \"up\" in \"y\"");
  EXPECT_NE(refusal<Point>(Value::Map{{"x", 1}, {"y", 2}, {"z", 3}}), "");
  EXPECT_EQ((Codec<Point>::decode(Value::Map{{"x", 1}, {"y", 2}})), (Point{1, 2.0, {}}));
}

}  // namespace
}  // namespace tractor
