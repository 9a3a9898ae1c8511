#include "tractor/codec.h"

#include <google/protobuf/duration.pb.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>

#include "tractor/v1/error.pb.h"

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

struct Labelled : Point {
  std::optional<int> weight = {};
  bool operator==(const Labelled&) const = default;
};
BOOST_DESCRIBE_STRUCT(Labelled, (Point), (weight))

enum class Colour : std::uint8_t { red, green };
BOOST_DESCRIBE_ENUM(Colour, red, green)

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

template <class T>
std::string encode_refusal(const T& value) {
  try {
    Codec<T>::encode(value);
    return "";
  } catch (const EncodeError& e) {
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
  survives(Labelled{{1, 2, "l"}, 3});
  survives(Labelled{});
  survives(Colour::green);
  survives(std::array<int, 3>{1, 2, 3});
  survives(std::array<std::string, 0>{});
}

TEST(Codec, nan_stays_nan) { EXPECT_TRUE(std::isnan(Codec<double>::decode(Codec<double>::encode(std::nan(""))))); }

TEST(Codec, integers_that_are_exact_are_taken_for_doubles) {
  for (const std::int64_t i : {std::int64_t{1} << 53, std::int64_t{1} << 62, std::numeric_limits<std::int64_t>::min()})
    EXPECT_EQ(Codec<double>::decode(i), static_cast<double>(i));
  for (const std::int64_t i : {(std::int64_t{1} << 53) + 1, std::numeric_limits<std::int64_t>::max()})
    EXPECT_THROW(Codec<double>::decode(i), DecodeError);
  EXPECT_THROW(Codec<float>::decode((std::int64_t{1} << 24) + 1), DecodeError);
}

TEST(Codec, null_is_an_argument_by_name) {
  EXPECT_TRUE(NamedArgument("x", nullptr).value.is_null());
  EXPECT_TRUE(NamedArgument("x", std::nullopt).value.is_null());
}

TEST(Codec, what_does_not_fit_is_an_error_and_no_wrap) {
  EXPECT_EQ(refusal<std::int8_t>(300), "expected int8 (-128 to 127), got int64 300");
  EXPECT_NE(refusal<std::uint32_t>(-1), "");
  EXPECT_NE(refusal<float>(1e300), "");
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

TEST(Codec, what_cannot_travel_says_so_and_where_it_stands) {
  constexpr auto kTooLarge = std::numeric_limits<std::uint64_t>::max();
  const std::string why = "expected an integer that fits into int64, got 18446744073709551615";
  EXPECT_EQ(encode_refusal(kTooLarge), why);
  EXPECT_EQ(encode_refusal(std::vector<std::uint64_t>{1, kTooLarge}), why + " in item 1");
  EXPECT_EQ(encode_refusal(std::array<std::uint64_t, 1>{kTooLarge}), why + " in item 0");
  EXPECT_EQ(encode_refusal(std::pair<int, std::uint64_t>{1, kTooLarge}), why + " in item 1");
  EXPECT_EQ(encode_refusal(std::map<std::string, std::uint64_t>{{"k", kTooLarge}}), why + " in \"k\"");
  EXPECT_THROW(Value{kTooLarge}, EncodeError);
  EXPECT_EQ(encode_refusal(std::make_optional(std::optional<int>())),
            "an optional that holds an empty one cannot be told from an empty one");
  static_assert(!std::is_convertible_v<int*, Value> && !std::is_convertible_v<const char8_t*, Value>, "would be true");
}

TEST(Codec, arrays_have_their_length) {
  EXPECT_EQ((refusal<std::array<int, 2>>(Value::List{1})), "expected list of 2 int32, got list of 1");
  EXPECT_EQ((refusal<std::array<int, 2>>(Value::List{1, "x"})), "expected int32, got string \"x\" in item 1");
}

TEST(Codec, enums_travel_as_names) {
  EXPECT_EQ(Codec<Colour>::encode(Colour::green), Value("green"));
  EXPECT_EQ(refusal<Colour>("blue"), "expected one of red, green, got string \"blue\"");
  EXPECT_EQ(refusal<Colour>(1), "expected one of red, green, got int64 1");
  EXPECT_EQ(encode_refusal(static_cast<Colour>(7)), "expected one of red, green, got 7");
}

TEST(Codec, protobuf_messages_travel_as_themselves) {
  v1::ActorRef donny;
  donny.set_name("donny");
  const Value value = Codec<v1::ActorRef>::encode(donny);
  EXPECT_EQ(value, Value(Value::Message{"type.googleapis.com/tractor.v1.ActorRef", donny.SerializeAsString()}));
  EXPECT_EQ(Codec<v1::ActorRef>::decode(value).name(), "donny");
  EXPECT_EQ(Codec<v1::ActorRef>::type(), "tractor.v1.ActorRef");
  EXPECT_EQ(refusal<v1::Error>(value),
            "expected tractor.v1.Error, got message of type \"type.googleapis.com/tractor.v1.ActorRef\"");
  EXPECT_EQ(refusal<v1::Error>("text"), "expected tractor.v1.Error, got string \"text\"");
  EXPECT_NE(refusal<v1::ActorRef>(Value::Message{"type.googleapis.com/tractor.v1.ActorRef", "\xff"}), "");
}

template <class D>
void limits_survive() {
  for (const D& duration : {D::min(), D::min() + D(1), D(-1), D(0), D(1), D(999'999), D::max() - D(1), D::max()})
    survives(duration);
}

TEST(Codec, durations_survive_at_their_limits) {
  using namespace std::chrono;
  limits_survive<nanoseconds>();
  limits_survive<duration<std::int32_t, std::milli>>();
  limits_survive<duration<std::int32_t, std::ratio<3600>>>();
  EXPECT_EQ(Codec<milliseconds>::encode(milliseconds(1500)), Value(1.5));
  EXPECT_NE(Codec<nanoseconds>::encode(nanoseconds::max()).get_if<Value::Message>(), nullptr);
  survives(duration<double>(0.1));
  survives(duration<std::int64_t, std::ratio<1, 60>>(59));
  EXPECT_NE(encode_refusal(microseconds::max()), "");
  EXPECT_NE(encode_refusal(hours::max()), "");
  EXPECT_NE(encode_refusal(duration<double>(std::numeric_limits<double>::infinity())), "");
}

TEST(Codec, durations_are_taken_as_doubles_integers_and_messages) {
  using namespace std::chrono;
  const auto half_a_second = [](std::int64_t seconds) {
    google::protobuf::Duration duration;
    duration.set_seconds(seconds);
    duration.set_nanos(500'000'000);
    return Codec<google::protobuf::Duration>::encode(duration);
  };
  EXPECT_EQ(Codec<milliseconds>::decode(3), 3s);
  EXPECT_EQ(Codec<milliseconds>::decode(half_a_second(0)), 500ms);
  EXPECT_EQ(Codec<hours>::decode(7200), 2h);
  EXPECT_EQ(Codec<duration<double>>::decode(half_a_second(1)), 1.5s);
  EXPECT_EQ(refusal<milliseconds>("soon").substr(0, 20), "expected duration of");
  for (const Value& value : {Value(1e300), Value(std::nan("")), Value(INT64_MAX), half_a_second(INT64_MAX)})
    EXPECT_NE(refusal<nanoseconds>(value), "") << value.describe();
}

TEST(Codec, described_structs_name_what_is_missing_or_wrong) {
  EXPECT_EQ(refusal<Point>(Value::Map{{"x", 1}}), "expected a member \"y\" (double), got none");
  EXPECT_EQ(refusal<Point>(Value::Map{{"x", 1}, {"y", "up"}}), "expected double, got string \"up\" in \"y\"");
  EXPECT_NE(refusal<Point>(Value::Map{{"x", 1}, {"y", 2}, {"z", 3}}), "");
  EXPECT_EQ((Codec<Point>::decode(Value::Map{{"x", 1}, {"y", 2}})), (Point{1, 2.0, {}}));
}

}  // namespace
}  // namespace tractor
