#include "runtime/wire/value_codec.h"

#include <algorithm>
#include <limits>
#include <string>

#include "runtime/wire/remote_error.h"

namespace tractor {
namespace {

using google::protobuf::Map;
using google::protobuf::RepeatedPtrField;

[[noreturn]] void refuse(const std::string& what) { throw CallError(ErrorKind::invalid_argument, what); }

}  // namespace

void encode(const Value& from, v1::Value& to) {
  if (!to.ParseFromString(to_wire(from))) refuse("a message whose type is no valid UTF-8 cannot travel");
}

void encode_map(const Value::Map& from, Map<std::string, v1::Value>& to) {
  for (const auto& [key, value] : from) {
    if (!is_utf8(key)) refuse("a map key that is no valid UTF-8 cannot travel");
    encode(value, to[key]);
  }
}

Value decode(const v1::Value& from) { return from_wire(from.SerializeAsString()); }

void encode_arguments(const std::string& function, const Value::List& from, RepeatedPtrField<v1::Value>& to) {
  to.Reserve(static_cast<int>(from.size()));
  for (std::size_t i = 0; i < from.size(); ++i) {
    converting([&] { return argument_of(function, i); }, [&] { encode(from[i], *to.Add()); });
  }
}

Value::List decode_arguments(const std::string& function, const RepeatedPtrField<v1::Value>& from) {
  Value::List to;
  to.reserve(static_cast<std::size_t>(from.size()));
  for (const v1::Value& value : from) {
    to.push_back(converting([&] { return argument_of(function, to.size()); }, [&] { return decode(value); }));
  }
  return to;
}

void encode_result(const std::string& function, const Value& from, v1::Value& to) {
  converting([&] { return result_of(function); }, [&] { encode(from, to); });
}

std::string argument_of(const std::string& function, std::size_t index) {
  return function + ": argument " + std::to_string(index + 1);
}
std::string argument_of(const std::string& function, const std::string& name) {
  return function + ": argument \"" + name + '"';
}
std::string result_of(const std::string& function) { return "the result of " + function; }
std::string item_of(const std::string& function) { return "an item of " + function; }

google::protobuf::Duration encode_duration(Clock::duration duration) {
  google::protobuf::Duration out;
  const auto nanos = std::max<std::int64_t>(0, duration.count());
  out.set_seconds(nanos / 1'000'000'000);
  out.set_nanos(static_cast<std::int32_t>(nanos % 1'000'000'000));
  return out;
}

Clock::duration clamped_duration(std::int64_t seconds, std::int64_t nanoseconds) {
  constexpr std::int64_t kMaxSeconds = std::numeric_limits<std::int64_t>::max() / 1'000'000'000 - 1;
  if (seconds < 0) return Clock::duration::zero();
  return std::chrono::seconds(std::min(seconds, kMaxSeconds)) +
         std::chrono::nanoseconds(std::clamp<std::int64_t>(nanoseconds, 0, 999'999'999));
}

Clock::duration decode_duration(const google::protobuf::Duration& duration) {
  return clamped_duration(duration.seconds(), duration.nanos());
}

}  // namespace tractor
