// Values to and from their protobuf form. Any thread.
#pragma once

#include <google/protobuf/duration.pb.h>

#include "runtime/task/clock.h"
#include "runtime/wire/value.h"
#include "tractor/v1/value.pb.h"

namespace tractor {

using WireValues = google::protobuf::RepeatedPtrField<v1::Value>;
using WireMap = google::protobuf::Map<std::string, v1::Value>;

// How deep lists and maps may stand in each other.
inline constexpr int kMaxNesting = 128;
// How deep they do in one message: protobuf's parsers stop at 100 messages, and a level of a map takes three. What
// stands deeper travels as the bytes of a message of its own (proto/tractor/v1/value.proto).
inline constexpr int kNestingOfMessage = 30;

// Text that is not valid UTF-8 becomes bytes. Throws CallError(invalid_argument) for what cannot travel: a value nested
// deeper than kMaxNesting, a map key that is no valid UTF-8.
void encode(const Value& from, v1::Value& to);
void encode(Value&& from, v1::Value& to);
void encode_map(const Value::Map& from, WireMap& to);
// Throws CallError(invalid_argument) for a value nested deeper than kMaxNesting, or a part that cannot be parsed.
Value decode(v1::Value&& from);

// The same for what a call takes and returns; errors name function and argument.
void encode_arguments(const std::string& function, Value::List&& from, WireValues& to);
void encode_arguments(const std::string& function, Value::Map&& from, WireMap& to);
Value::List decode_arguments(const std::string& function, WireValues&& from);
Value::Map decode_arguments(const std::string& function, WireMap&& from);
void encode_result(const std::string& function, Value&& from, v1::Value& to);
Value decode_result(const std::string& function, v1::Value&& from);

google::protobuf::Duration encode_duration(Clock::duration duration);
// Negative or absurd durations are clamped to zero and to about 292 years.
Clock::duration clamped_duration(std::int64_t seconds, std::int64_t nanoseconds);
Clock::duration decode_duration(const google::protobuf::Duration& duration);

}  // namespace tractor
