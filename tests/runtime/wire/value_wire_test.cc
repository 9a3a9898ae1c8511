// The bytes of values next to those of the generated messages, which have the last word.
#include "runtime/wire/value_wire.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <random>

#include "runtime/wire/remote_error.h"
#include "tractor/v1/actor.pb.h"

namespace tractor {
namespace {

// The message of a value that is not nested deeper than fits into one.
void fill(const Value& from, v1::Value& to) {
  if (const auto* b = from.get_if<bool>()) {
    to.set_bool_value(*b);
  } else if (const auto* i = from.get_if<std::int64_t>()) {
    to.set_int64_value(*i);
  } else if (const auto* d = from.get_if<double>()) {
    to.set_double_value(*d);
  } else if (const auto* s = from.get_if<std::string>()) {
    to.set_string_value(*s);
  } else if (const auto* b = from.get_if<Value::Bytes>()) {
    to.set_bytes_value(b->data);
  } else if (const auto* m = from.get_if<Value::Message>()) {
    to.mutable_message_value()->set_type_url(m->type_url);
    to.mutable_message_value()->set_value(m->data);
  } else if (const auto* l = from.get_if<Value::List>()) {
    to.mutable_list_value();
    for (const Value& item : *l) fill(item, *to.mutable_list_value()->add_values());
  } else if (const auto* m = from.get_if<Value::Map>()) {
    to.mutable_map_value();
    for (const auto& [key, item] : *m) fill(item, (*to.mutable_map_value()->mutable_fields())[key]);
  } else {
    to.set_null_value(google::protobuf::NULL_VALUE);
  }
}

Value value_of(const v1::Value& from) {
  switch (from.kind_case()) {
    case v1::Value::kBoolValue:
      return from.bool_value();
    case v1::Value::kInt64Value:
      return from.int64_value();
    case v1::Value::kDoubleValue:
      return from.double_value();
    case v1::Value::kStringValue:
      return from.string_value();
    case v1::Value::kBytesValue:
      return Value::Bytes{from.bytes_value()};
    case v1::Value::kMessageValue:
      return Value::Message{from.message_value().type_url(), from.message_value().value()};
    case v1::Value::kListValue: {
      Value::List list;
      for (const v1::Value& item : from.list_value().values()) list.push_back(value_of(item));
      return list;
    }
    case v1::Value::kMapValue: {
      Value::Map map;
      for (const auto& [key, item] : from.map_value().fields()) map.emplace(key, value_of(item));
      return map;
    }
    default:
      return {};
  }
}

// With maps ordered by key.
std::string generated_bytes(const v1::Value& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&out);
  out.Trim();
  return bytes;
}

std::optional<Value> generated_value(const std::string& bytes) {
  v1::Value message;
  if (!message.ParseFromString(bytes)) return std::nullopt;
  return value_of(message);
}

std::optional<Value> our_value(const std::string& bytes) {
  try {
    return from_wire(bytes);
  } catch (const CallError& e) {
    EXPECT_EQ(e.kind(), ErrorKind::invalid_argument);
    return std::nullopt;
  }
}

using Random = std::mt19937;

std::size_t below(std::size_t end, Random& random) {
  return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
}

std::int64_t any_integer(Random& random) {
  const auto bits = static_cast<std::int64_t>((std::uint64_t{random()} << 32 | random()) >> below(64, random));
  return below(2, random) == 0 ? bits : -bits;
}

std::string any_text(Random& random) {
  static const std::vector<std::string> kParts = {
      "a", "Z", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x9a\x9c", std::string(1, '\0'), std::string(200, 'x')};
  std::string text;
  for (std::size_t n = below(8, random); n > 0; --n) text += kParts[below(kParts.size(), random)];
  return text;
}

Value any_value(Random& random, int depth = 0) {
  switch (below(depth < 4 ? 11 : 7, random)) {
    case 0:
      return {};
    case 1:
      return below(2, random) == 0;
    case 2:
      return any_integer(random);
    case 3:
      return static_cast<double>(any_integer(random)) / 3;
    case 4:
      return any_text(random);
    case 5:
      return Value::Bytes{any_text(random) + '\xff'};
    case 6:
      return Value::Message{any_text(random), any_text(random)};
    case 7:
    case 8: {
      Value::List list;
      for (std::size_t n = below(6, random); n > 0; --n) list.push_back(any_value(random, depth + 1));
      return list;
    }
    default: {
      Value::Map map;
      for (std::size_t n = below(6, random); n > 0; --n) map.emplace(any_text(random), any_value(random, depth + 1));
      return map;
    }
  }
}

// One byte more, less, or another, anywhere.
void damage(std::string& bytes, Random& random) {
  const std::size_t at = below(bytes.size() + 1, random);
  const char byte = static_cast<char>(below(2, random) == 0 ? below(256, random) : below(0x50, random));
  switch (at == bytes.size() ? 0 : below(3, random)) {
    case 0:
      bytes.insert(at, 1, byte);
      break;
    case 1:
      bytes.erase(at, 1);
      break;
    default:
      bytes[at] = byte;
  }
}

constexpr int kValues = 20'000;

TEST(ValueWire, values_are_written_byte_by_byte_as_the_generated_messages_are) {
  Random random;
  for (int i = 0; i < kValues; ++i) {
    const Value value = any_value(random);
    v1::Value message;
    fill(value, message);
    ASSERT_EQ(to_wire(value), generated_bytes(message)) << i << ' ' << message.ShortDebugString();
  }
}

TEST(ValueWire, what_the_generated_messages_write_is_read_as_it_was) {
  Random random;
  for (int i = 0; i < kValues; ++i) {
    const Value value = any_value(random);
    v1::Value message;
    fill(value, message);
    ASSERT_EQ(from_wire(message.SerializeAsString()), value) << i << ' ' << message.ShortDebugString();
  }
}

// Groups, and tags of more than 32 bits, are refused by ours and skipped by theirs.
TEST(ValueWire, damaged_bytes_are_read_as_the_generated_messages_read_them_or_refused) {
  google::protobuf::SetLogHandler(nullptr);  // it would tell of each
  Random random;
  int read = 0;
  int refused_by_us_alone = 0;
  for (int i = 0; i < 5 * kValues; ++i) {
    std::string bytes = to_wire(any_value(random));
    for (std::size_t n = below(3, random); n < 3; ++n) damage(bytes, random);
    const std::optional<Value> ours = our_value(bytes);
    const std::optional<Value> theirs = generated_value(bytes);
    if (ours) {
      ++read;
      ASSERT_TRUE(theirs) << i << ' ' << testing::PrintToString(bytes);
      ASSERT_TRUE(*ours == *theirs || to_wire(*ours) == to_wire(*theirs)) << i << ' ' << testing::PrintToString(bytes);
    } else if (theirs) {
      ++refused_by_us_alone;
    }
  }
  EXPECT_GT(read, kValues / 10);
  EXPECT_LT(refused_by_us_alone, read / 100);
}

TEST(ValueWire, what_comes_twice_is_merged_as_the_generated_messages_do) {
  EXPECT_EQ(from_wire(to_wire(Value::Map{{"b", 1}, {"c", 2}}) + to_wire(Value::Map{{"a", 3}, {"b", 4}})),
            Value(Value::Map{{"a", 3}, {"b", 4}, {"c", 2}}));
  EXPECT_EQ(from_wire(to_wire(Value::List{1}) + to_wire(Value::List{2})), Value(Value::List{1, 2}));
  Random random;
  for (int i = 0; i < kValues; ++i) {
    const std::string bytes = to_wire(any_value(random)) + to_wire(any_value(random));
    ASSERT_EQ(our_value(bytes), generated_value(bytes)) << i << ' ' << testing::PrintToString(bytes);
  }
}

}  // namespace
}  // namespace tractor
