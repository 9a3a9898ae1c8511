#include "runtime/wire/value_codec.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "runtime/wire/remote_error.h"

namespace tractor {
namespace {

// `V` is `const Value`, which is copied, or `Value`, which is moved from (a moved const is a copy).
template <class V>
void encode_any(V& from, v1::Value& to, int depth);

template <class M>
void encode_fields(M& from, google::protobuf::Map<std::string, v1::Value>& to, int depth) {
  for (auto& [key, value] : from) {
    if (!is_utf8(key)) throw CallError(ErrorKind::invalid_argument, "a map key that is no valid UTF-8 cannot travel");
    encode_any(value, to[key], depth);
  }
}

template <class V>
void encode_any(V& from, v1::Value& to, int depth) {
  if (depth > kMaxNesting) {
    throw CallError(ErrorKind::invalid_argument,
                    "a value nested more than " + std::to_string(kMaxNesting) + " deep cannot travel");
  }
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
    auto& values = *to.mutable_list_value()->mutable_values();
    values.Reserve(static_cast<int>(l->size()));
    for (auto& v : *l) encode_any(v, *values.Add(), depth + 1);
  } else if (auto* m = from.template get_if<Value::Map>()) {
    encode_fields(*m, *to.mutable_map_value()->mutable_fields(), depth + 1);
  } else {
    to.set_null_value(google::protobuf::NULL_VALUE);
  }
}

}  // namespace

void encode(const Value& from, v1::Value& to) { encode_any(from, to, 0); }

void encode(Value&& from, v1::Value& to) { encode_any(from, to, 0); }

void encode_map(const Value::Map& from, google::protobuf::Map<std::string, v1::Value>& to) {
  encode_fields(from, to, 0);
}

void encode_map(Value::Map&& from, google::protobuf::Map<std::string, v1::Value>& to) { encode_fields(from, to, 0); }

Value decode(v1::Value&& from) {
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
    case v1::Value::kMessageValue:
      return Value::Message{std::move(*from.mutable_message_value()->mutable_type_url()),
                            std::move(*from.mutable_message_value()->mutable_value())};
    case v1::Value::kListValue: {
      Value::List list;
      list.reserve(static_cast<std::size_t>(from.list_value().values_size()));
      for (v1::Value& v : *from.mutable_list_value()->mutable_values()) list.push_back(decode(std::move(v)));
      return list;
    }
    case v1::Value::kMapValue: {
      Value::Map map;
      for (auto& [key, v] : *from.mutable_map_value()->mutable_fields()) map.emplace(key, decode(std::move(v)));
      return map;
    }
    case v1::Value::kNullValue:
    case v1::Value::KIND_NOT_SET:
      break;
  }
  return {};
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
