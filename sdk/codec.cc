#include "tractor/codec.h"

#include <google/protobuf/duration.pb.h>

#include "runtime/wire/value_wire.h"

namespace tractor {
namespace {

constexpr int kMostDepth = 2 * kMaxNesting;  // a level of a value may be two here
thread_local int depth = 0;                  // of all tasks of a thread: no task waits while it converts

}  // namespace

detail::Depth::Depth() {
  if (depth == kMostDepth) {
    throw EncodeError("expected a value that is nested at most " + std::to_string(kMaxNesting) + " deep, got more");
  }
  ++depth;
}
detail::Depth::~Depth() { --depth; }

void detail::mismatch(const std::string& expected, const Value& got) {
  throw DecodeError("expected " + expected + ", got " + got.describe());
}

// Not inline: GCC 12 takes the members of a moved variant for uninitialized (-Wmaybe-uninitialized at -O2).
std::string Codec<std::string>::decode(Value value) {
  if (auto* s = value.get_if<std::string>()) return std::move(*s);
  if (auto* b = value.get_if<Value::Bytes>()) return std::move(b->data);
  detail::mismatch(type(), value);
}

Value::Bytes Codec<Value::Bytes>::decode(Value value) {
  if (auto* b = value.get_if<Value::Bytes>()) return std::move(*b);
  if (auto* s = value.get_if<std::string>()) return {std::move(*s)};
  detail::mismatch(type(), value);
}

bool detail::is_message(const Value& value, const std::string& full_name) {
  const auto* message = value.get_if<Value::Message>();
  return message != nullptr && message->type_url.substr(message->type_url.rfind('/') + 1) == full_name;
}

Value detail::encode_seconds(WholeSeconds duration) {
  constexpr std::int64_t kMaxSeconds = 315'576'000'000;  // google/protobuf/duration.proto
  if (duration.seconds < -kMaxSeconds || duration.seconds > kMaxSeconds) {
    throw EncodeError("expected a duration of at most 10,000 years, or one that is exact as double, got " +
                      std::to_string(duration.seconds) + " s");
  }
  google::protobuf::Duration message;
  message.set_seconds(duration.seconds);
  message.set_nanos(duration.nanoseconds);
  return Codec<google::protobuf::Duration>::encode(message);
}

std::optional<detail::WholeSeconds> detail::decode_seconds(const Value& value) {
  if (const auto* seconds = value.get_if<std::int64_t>()) return WholeSeconds{.seconds = *seconds};
  if (!is_message(value, Codec<google::protobuf::Duration>::type())) return std::nullopt;
  const auto message = Codec<google::protobuf::Duration>::decode(value);
  return WholeSeconds{message.seconds(), message.nanos()};
}

}  // namespace tractor
