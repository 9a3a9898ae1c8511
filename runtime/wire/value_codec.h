// Values to and from their protobuf form. Any thread.
#pragma once

#include <google/protobuf/duration.pb.h>

#include "runtime/task/clock.h"
#include "runtime/wire/value.h"
#include "tractor/v1/value.pb.h"

namespace tractor {

// How deep lists and maps may stand in each other: protobuf's parsers stop at 100 messages, and a level of a map takes
// three.
inline constexpr int kMaxNesting = 30;

// Text that is not valid UTF-8 becomes bytes. Throws CallError(invalid_argument) for what cannot travel: a value nested
// deeper than kMaxNesting, a map key that is no valid UTF-8.
void encode(const Value& from, v1::Value& to);
void encode(Value&& from, v1::Value& to);
void encode_map(const Value::Map& from, google::protobuf::Map<std::string, v1::Value>& to);
void encode_map(Value::Map&& from, google::protobuf::Map<std::string, v1::Value>& to);
Value decode(v1::Value&& from);

google::protobuf::Duration encode_duration(Clock::duration duration);
// Negative or absurd durations are clamped to zero and to about 292 years.
Clock::duration clamped_duration(std::int64_t seconds, std::int64_t nanoseconds);
Clock::duration decode_duration(const google::protobuf::Duration& duration);

}  // namespace tractor
