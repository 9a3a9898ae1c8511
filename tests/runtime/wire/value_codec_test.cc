#include "runtime/wire/value_codec.h"

#include <gtest/gtest.h>

#include <limits>

namespace tractor {
namespace {

Value round_trip(const Value& value) {
  v1::Value wire;
  encode(value, wire);
  v1::Value read;
  EXPECT_TRUE(read.ParseFromString(wire.SerializeAsString()));
  return decode(std::move(read));
}

TEST(ValueCodec, every_kind_survives_the_round_trip) {
  const Value::List all = {
      Value(),
      true,
      0,
      std::numeric_limits<std::int64_t>::min(),
      std::numeric_limits<std::int64_t>::max(),
      1.5,
      std::numeric_limits<double>::infinity(),
      std::numeric_limits<double>::denorm_min(),
      "",
      "h\xc3\xa9llo",
      Value::Bytes{std::string("\0\xff", 2)},
      Value::Message{"type.googleapis.com/some.Type", "\x08\x01"},
      Value::List{1, "two", Value::List{}},
      Value::Map{{"a", 1}, {"", Value::Map{{"b", 2.0}}}},
  };
  for (const Value& value : all) EXPECT_EQ(round_trip(value), value) << value.describe();
  EXPECT_EQ(round_trip(all), Value(all));
}

TEST(ValueCodec, text_that_is_no_utf8_travels_as_bytes) {
  EXPECT_EQ(round_trip("\xff\xfe"), Value(Value::Bytes{"\xff\xfe"}));
}

TEST(ValueCodec, a_kind_that_is_not_known_here_is_null) { EXPECT_TRUE(decode(v1::Value()).is_null()); }

TEST(ValueCodec, durations_keep_their_nanoseconds_and_are_never_negative) {
  using std::chrono::nanoseconds;
  for (const std::int64_t n : {0L, 1L, 999'999'999L, 1'000'000'001L})
    EXPECT_EQ(decode_duration(encode_duration(nanoseconds(n))), nanoseconds(n));
  EXPECT_EQ(decode_duration(encode_duration(nanoseconds(-5))), nanoseconds(0));
  google::protobuf::Duration absurd;
  absurd.set_seconds(std::numeric_limits<std::int64_t>::max());
  EXPECT_GT(decode_duration(absurd), std::chrono::hours(24 * 365 * 200));
}

TEST(Utf8, follows_the_table_of_well_formed_sequences) {
  for (const char* good : {"", "a", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_utf8(good));
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "a\xc3", "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(bad)) << testing::PrintToString(bad);
  }
}

}  // namespace
}  // namespace tractor
