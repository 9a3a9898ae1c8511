// Values to and from the messages that come once in an actor's life, and what errors call them. Any thread.
#pragma once

#include <google/protobuf/duration.pb.h>

#include "runtime/task/clock.h"
#include "runtime/wire/remote_error.h"
#include "runtime/wire/value_wire.h"
#include "tractor/v1/value.pb.h"

namespace tractor {

// These throw as to_wire() and from_wire() do.
void encode(const Value& from, v1::Value& to);
void encode_map(const Value::Map& from, google::protobuf::Map<std::string, v1::Value>& to);
Value decode(const v1::Value& from);

// The same for what a call takes and returns; errors name function and argument.
void encode_arguments(const std::string& function, const Value::List& from,
                      google::protobuf::RepeatedPtrField<v1::Value>& to);
Value::List decode_arguments(const std::string& function, const google::protobuf::RepeatedPtrField<v1::Value>& from);
void encode_result(const std::string& function, const Value& from, v1::Value& to);

// What errors call them: "scene.say_hello: argument 1", `...: argument "name"`, "the result of scene.say_hello".
std::string argument_of(const std::string& function, std::size_t index);
std::string argument_of(const std::string& function, const std::string& name);
std::string result_of(const std::string& function);
std::string item_of(const std::string& function);
// Runs `convert`; its CallError says what() it was converting.
template <class What, class F>
auto converting(const What& what, F&& convert) {
  try {
    return convert();
  } catch (const CallError& e) {
    throw CallError(e.kind(), what() + ": " + e.what());
  }
}

google::protobuf::Duration encode_duration(Clock::duration duration);
// Negative or absurd durations are clamped to zero and to about 292 years.
Clock::duration clamped_duration(std::int64_t seconds, std::int64_t nanoseconds);
Clock::duration decode_duration(const google::protobuf::Duration& duration);

}  // namespace tractor
