#include "runtime/wire/value_codec.h"

#include <gtest/gtest.h>

#include <limits>

#include "runtime/wire/remote_error.h"

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

// `depth` messages of a foreign client, each in the one around it.
v1::Value values_in_values(int depth) {
  v1::Value value;
  value.set_bool_value(true);
  for (int i = 0; i < depth; ++i) {
    v1::Value outer;
    outer.mutable_message_value()->PackFrom(value);
    value = std::move(outer);
  }
  return value;
}

TEST(ValueCodec, what_is_nested_deeper_than_parsers_go_is_a_message_inside) {
  Value deep = 7;
  for (int i = 0; i < 31; ++i) deep = Value::List{std::move(deep)};
  v1::Value wire;
  encode(deep, wire);
  const v1::Value* inner = &wire;
  for (int i = 0; i < 30; ++i) inner = &inner->list_value().values(0);
  v1::Value last_level;
  ASSERT_TRUE(inner->message_value().UnpackTo(&last_level));
  EXPECT_EQ(last_level.list_value().values(0).int64_value(), 7);
  EXPECT_EQ(round_trip(deep), deep);
}

TEST(ValueCodec, a_value_in_a_message_is_that_value_at_any_depth) {
  EXPECT_EQ(decode(values_in_values(1)), Value(true));
  EXPECT_EQ(decode(values_in_values(100)), Value(true));
  EXPECT_THROW(decode(values_in_values(1000)), CallError);
}

TEST(ValueCodec, a_value_in_a_message_that_cannot_be_parsed_is_an_error) {
  v1::Value wire;
  wire.mutable_message_value()->set_type_url("type.googleapis.com/tractor.v1.Value");
  wire.mutable_message_value()->set_value("\xff");
  EXPECT_THROW(decode(std::move(wire)), CallError);
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
