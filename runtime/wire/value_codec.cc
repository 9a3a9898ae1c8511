#include "runtime/wire/value_codec.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "runtime/wire/remote_error.h"

namespace tractor {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw CallError(ErrorKind::invalid_argument, what); }

[[noreturn]] void refuse_nesting() {
  refuse("a value nested more than " + std::to_string(kMaxNesting) + " deep cannot travel");
}

// `V` is `const Value`, which is copied, or `Value`, which is moved from (a moved const is a copy). `depth`: how many
// lists and maps stand around it.
template <class V>
void encode_any(V& from, v1::Value& to, int depth);

template <class M>
void encode_fields(M& from, WireMap& to, int depth) {
  for (auto& [key, value] : from) {
    if (!is_utf8(key)) refuse("a map key that is no valid UTF-8 cannot travel");
    encode_any(value, to[key], depth);
  }
}

// The list or map `from` into `to`, or into a message of its own when `to` is full.
template <class C, class F>
void encode_container(C& from, v1::Value& to, int depth, F encode_content) {
  if (depth >= kMaxNesting) refuse_nesting();
  if (depth == 0 || depth % kNestingOfMessage != 0) return encode_content(from, to, depth + 1);
  v1::Value inner;
  encode_content(from, inner, depth + 1);
  to.mutable_message_value()->PackFrom(inner);
}

template <class V>
void encode_any(V& from, v1::Value& to, int depth) {
  if (auto* b = from.template get_if<bool>()) {
    to.set_bool_value(*b);
  } else if (auto* i = from.template get_if<std::int64_t>()) {
    to.set_int64_value(*i);
  } else if (auto* d = from.template get_if<double>()) {
    to.set_double_value(*d);
  } else if (auto* s = from.template get_if<std::string>()) {
    if (is_utf8(*s)) {
      to.set_string_value(std::move(*s));
    } else {
      to.set_bytes_value(std::move(*s));
    }
  } else if (auto* b = from.template get_if<Value::Bytes>()) {
    to.set_bytes_value(std::move(b->data));
  } else if (auto* m = from.template get_if<Value::Message>()) {
    to.mutable_message_value()->set_type_url(m->type_url);
    to.mutable_message_value()->set_value(std::move(m->data));
  } else if (auto* l = from.template get_if<Value::List>()) {
    encode_container(*l, to, depth, [](auto& list, v1::Value& into, int below) {
      WireValues& values = *into.mutable_list_value()->mutable_values();
      values.Reserve(static_cast<int>(list.size()));
      for (auto& v : list) encode_any(v, *values.Add(), below);
    });
  } else if (auto* m = from.template get_if<Value::Map>()) {
    encode_container(*m, to, depth, [](auto& map, v1::Value& into, int below) {
      encode_fields(map, *into.mutable_map_value()->mutable_fields(), below);
    });
  } else {
    to.set_null_value(google::protobuf::NULL_VALUE);
  }
}

// A message inside counts as a level too, so that no chain of them goes deeper.
constexpr int kMaxDepthDecoded = kMaxNesting + kMaxNesting / kNestingOfMessage;

Value decode_any(v1::Value&& from, int depth) {
  if (depth > kMaxDepthDecoded) refuse_nesting();
  switch (from.kind_case()) {
    case v1::Value::kBoolValue:
      return from.bool_value();
    case v1::Value::kInt64Value:
      return from.int64_value();
    case v1::Value::kDoubleValue:
      return from.double_value();
    case v1::Value::kStringValue:
      return std::move(*from.mutable_string_value());
    case v1::Value::kBytesValue:
      return Value::Bytes{std::move(*from.mutable_bytes_value())};
    case v1::Value::kMessageValue: {
      google::protobuf::Any& message = *from.mutable_message_value();
      if (!message.Is<v1::Value>())
        return Value::Message{std::move(*message.mutable_type_url()), std::move(*message.mutable_value())};
      v1::Value inner;
      if (!message.UnpackTo(&inner)) refuse("a tractor.v1.Value in a message that cannot be parsed");
      return decode_any(std::move(inner), depth + 1);
    }
    case v1::Value::kListValue: {
      Value::List list;
      list.reserve(static_cast<std::size_t>(from.list_value().values_size()));
      for (v1::Value& v : *from.mutable_list_value()->mutable_values())
        list.push_back(decode_any(std::move(v), depth + 1));
      return list;
    }
    case v1::Value::kMapValue: {
      Value::Map map;
      for (auto& [key, v] : *from.mutable_map_value()->mutable_fields())
        map.emplace(key, decode_any(std::move(v), depth + 1));
      return map;
    }
    case v1::Value::kNullValue:
    case v1::Value::KIND_NOT_SET:
      break;
  }
  return {};
}

// Runs `convert`; its error says what it was converting.
template <class What, class F>
auto converting(const What& what, F&& convert) {
  try {
    return convert();
  } catch (const CallError& e) {
    throw CallError(e.kind(), what() + ": " + e.what());
  }
}

}  // namespace

void encode(const Value& from, v1::Value& to) { encode_any(from, to, 0); }

void encode(Value&& from, v1::Value& to) { encode_any(from, to, 0); }

void encode_map(const Value::Map& from, WireMap& to) { encode_fields(from, to, 0); }

Value decode(v1::Value&& from) { return decode_any(std::move(from), 0); }

void encode_arguments(const std::string& function, Value::List&& from, WireValues& to) {
  to.Reserve(static_cast<int>(from.size()));
  for (std::size_t i = 0; i < from.size(); ++i) {
    converting([&] { return function + ": argument " + std::to_string(i + 1); },
               [&] { encode(std::move(from[i]), *to.Add()); });
  }
}

void encode_arguments(const std::string& function, Value::Map&& from, WireMap& to) {
  for (auto& [name, value] : from) {
    if (!is_utf8(name)) refuse(function + ": the name of an argument is valid UTF-8, not " + Value(name).describe());
    converting([&] { return function + ": argument \"" + name + '"'; }, [&] { encode(std::move(value), to[name]); });
  }
}

Value::List decode_arguments(const std::string& function, WireValues&& from) {
  Value::List to;
  to.reserve(static_cast<std::size_t>(from.size()));
  for (v1::Value& value : from) {
    to.push_back(converting([&] { return function + ": argument " + std::to_string(to.size() + 1); },
                            [&] { return decode(std::move(value)); }));
  }
  return to;
}

Value::Map decode_arguments(const std::string& function, WireMap&& from) {
  Value::Map to;
  for (auto& [name, value] : from) {
    to.emplace(name, converting([&] { return function + ": argument \"" + name + '"'; },
                                [&] { return decode(std::move(value)); }));
  }
  return to;
}

void encode_result(const std::string& function, Value&& from, v1::Value& to) {
  converting([&] { return "the result of " + function; }, [&] { encode(std::move(from), to); });
}

Value decode_result(const std::string& function, v1::Value&& from) {
  return converting([&] { return "the result of " + function; }, [&] { return decode(std::move(from)); });
}

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
