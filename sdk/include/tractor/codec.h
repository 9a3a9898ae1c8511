// Codec<T>: how a C++ type travels. Specialize it for a type of your own, or describe a struct or an enum with
// BOOST_DESCRIBE_STRUCT or BOOST_DESCRIBE_ENUM.
//
//   encode(const T&)  -> Value; throws EncodeError when it cannot travel
//   decode(Value)     -> T; throws DecodeError ("expected int64, got string \"two\"") when the value is no T, or would
//   change by becoming one
//   type()            -> the type's name in messages and descriptions
//
// Values nest at most 128 deep, a described struct in a list two levels; what nests deeper cannot travel.
//
// Here: null, bool, integers, floating point (an integer that is exact is taken), std::string (valid UTF-8 travels as
// string, other bytes as bytes), Value, Value::Bytes, std::optional (may be left out), std::vector, std::array,
// std::map with string keys, std::tuple, std::pair. codec_described.h: described structs (a map by member name) and
// enums (the name). codec_messages.h: protobuf messages, durations (seconds). Pure functions, any thread.
#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/task/error.h"
#include "runtime/wire/value.h"

namespace tractor {

template <class T>
struct Codec;

// The types that can be parameters and results.
template <class T>
concept Encodable = requires(const T& object, Value value) {
  { Codec<T>::encode(object) } -> std::convertible_to<Value>;
  { Codec<T>::decode(std::move(value)) } -> std::convertible_to<T>;
  { Codec<T>::type() } -> std::convertible_to<std::string>;
};

namespace detail {

// Throws DecodeError.
[[noreturn]] void mismatch(const std::string& expected, const Value& got);

inline std::string place(std::size_t index) { return " in item " + std::to_string(index); }
inline std::string place(std::string_view name) { return " in \"" + std::string(name) + '"'; }

// How deep what is being converted stands in something. Of what is deeper than any value that travels (a struct that
// holds its like, and so on) the rest is not tried: EncodeError.
class Depth {
 public:
  Depth();
  Depth(const Depth&) = delete;
  Depth& operator=(const Depth&) = delete;
  ~Depth();
};

// Runs `convert`, which encodes or decodes a part of something; its error says which: a name, or an index.
template <class Where, class F>
auto convert_part(const Where& where, F&& convert) {
  try {
    const Depth depth;
    return convert();
  } catch (const DecodeError& e) {
    throw DecodeError(e.what() + place(where));
  } catch (const EncodeError& e) {
    throw EncodeError(e.what() + place(where));
  }
}

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

}  // namespace detail

template <>
struct Codec<Value> {
  static Value encode(const Value& value) { return value; }
  static Value decode(Value value) { return value; }
  static std::string type() { return "any"; }
};

template <>
struct Codec<bool> {
  static Value encode(bool value) { return value; }
  static bool decode(const Value& value) {
    if (const auto* b = value.get_if<bool>()) return *b;
    detail::mismatch(type(), value);
  }
  static std::string type() { return "bool"; }
};

template <>
struct Codec<std::nullptr_t> {
  static Value encode(std::nullptr_t) { return nullptr; }
  static std::nullptr_t decode(const Value& value) {
    if (!value.is_null()) detail::mismatch(type(), value);
    return nullptr;
  }
  static std::string type() { return "null"; }
};

template <>
struct Codec<std::nullopt_t> {
  static Value encode(std::nullopt_t) { return nullptr; }
  static std::nullopt_t decode(const Value& value) {
    Codec<std::nullptr_t>::decode(value);
    return std::nullopt;
  }
  static std::string type() { return "null"; }
};

template <Integer T>
struct Codec<T> {
  static Value encode(T value) { return value; }
  static T decode(const Value& value) {
    const auto* i = value.get_if<std::int64_t>();
    if (i == nullptr) detail::mismatch(type(), value);
    if (!std::in_range<T>(*i)) {
      throw DecodeError("expected " + type() + " (" + std::to_string(std::numeric_limits<T>::min()) + " to " +
                        std::to_string(std::numeric_limits<T>::max()) + "), got " + value.describe());
    }
    return static_cast<T>(*i);
  }
  static std::string type() { return (std::is_signed_v<T> ? "int" : "uint") + std::to_string(8 * sizeof(T)); }
};

template <std::floating_point T>
struct Codec<T> {
  static Value encode(T value) {
    const auto sent = static_cast<double>(value);
    if (static_cast<T>(sent) != value && !std::isnan(value))
      throw EncodeError("a long double travels as a double, and " + std::to_string(value) + " is none");
    return sent;
  }
  static T decode(const Value& value) {
    if (const auto* d = value.get_if<double>()) {
      const T narrow = static_cast<T>(*d);
      if (static_cast<double>(narrow) == *d || std::isnan(*d)) return narrow;
    } else if (const auto* i = value.get_if<std::int64_t>()) {
      const T exact = static_cast<T>(*i);
      const bool fits = exact < static_cast<T>(0x1p63);  // else it was rounded up, out of int64's range
      if (fits && static_cast<std::int64_t>(exact) == *i) return exact;
    }
    detail::mismatch(type(), value);
  }
  static std::string type() { return sizeof(T) == sizeof(float) ? "float" : "double"; }
};

template <>
struct Codec<std::string> {
  static Value encode(const std::string& value) { return value; }
  static std::string decode(Value value);
  static std::string type() { return "string"; }
};

template <>
struct Codec<Value::Bytes> {
  static Value encode(const Value::Bytes& value) { return value; }
  static Value::Bytes decode(Value value);
  static std::string type() { return "bytes"; }
};

template <Encodable T>
struct Codec<std::optional<T>> {
  static Value encode(const std::optional<T>& value) {
    if (!value) return {};
    Value encoded = Codec<T>::encode(*value);
    if (!std::is_same_v<T, Value> && encoded.is_null())
      throw EncodeError("an optional that holds an empty one cannot be told from an empty one");
    return encoded;
  }
  static std::optional<T> decode(Value value) {
    if (value.is_null()) return std::nullopt;
    return Codec<T>::decode(std::move(value));
  }
  static std::string type() { return "optional " + Codec<T>::type(); }
};

template <Encodable T>
struct Codec<std::vector<T>> {
  static Value encode(const std::vector<T>& items) {
    Value::List list;
    list.reserve(items.size());
    for (const auto& item : items)
      list.push_back(detail::convert_part(list.size(), [&] { return Codec<T>::encode(item); }));
    return list;
  }
  static std::vector<T> decode(Value value) {
    auto* list = value.get_if<Value::List>();
    if (list == nullptr) detail::mismatch(type(), value);
    std::vector<T> items;
    items.reserve(list->size());
    for (std::size_t i = 0; i < list->size(); ++i) {
      items.push_back(detail::convert_part(i, [&] { return Codec<T>::decode(std::move((*list)[i])); }));
    }
    return items;
  }
  static std::string type() { return "list of " + Codec<T>::type(); }
};

template <Encodable T, class Compare>
struct Codec<std::map<std::string, T, Compare>> {
  static Value encode(const std::map<std::string, T, Compare>& from) {
    Value::Map map;
    for (const auto& [key, item] : from) {
      map.emplace(key, detail::convert_part(key, [&item = item] { return Codec<T>::encode(item); }));
    }
    return map;
  }
  static std::map<std::string, T, Compare> decode(Value value) {
    auto* map = value.get_if<Value::Map>();
    if (map == nullptr) detail::mismatch(type(), value);
    std::map<std::string, T, Compare> out;
    for (auto& [key, item] : *map) {
      out.emplace(key, detail::convert_part(key, [&item = item] { return Codec<T>::decode(std::move(item)); }));
    }
    return out;
  }
  static std::string type() { return "map of " + Codec<T>::type(); }
};

namespace detail {

// Fixed sequences: a list of that length.
template <class Tuple, class... T>
struct TupleCodec {
  static Value encode(const Tuple& from) {
    Value::List list;
    list.reserve(sizeof...(T));
    std::apply(
        [&](const auto&... item) {
          (list.push_back(convert_part(list.size(), [&] { return Codec<T>::encode(item); })), ...);
        },
        from);
    return list;
  }
  static Tuple decode(Value value) {
    auto* list = value.get_if<Value::List>();
    if (list == nullptr || list->size() != sizeof...(T)) mismatch(type(), value);
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return Tuple{convert_part(I, [&] { return Codec<T>::decode(std::move((*list)[I])); })...};
    }
    (std::index_sequence_for<T...>{});
  }
  static std::string type() {
    std::string names;
    ((names += (names.empty() ? "" : ", ") + Codec<T>::type()), ...);
    return "tuple of (" + names + ")";
  }
};

}  // namespace detail

template <Encodable... T>
struct Codec<std::tuple<T...>> : detail::TupleCodec<std::tuple<T...>, T...> {};
template <Encodable A, Encodable B>
struct Codec<std::pair<A, B>> : detail::TupleCodec<std::pair<A, B>, A, B> {};

template <Encodable T, std::size_t kSize>
struct Codec<std::array<T, kSize>> {
  static Value encode(const std::array<T, kSize>& items) {
    Value::List list;
    list.reserve(kSize);
    for (const T& item : items)
      list.push_back(detail::convert_part(list.size(), [&] { return Codec<T>::encode(item); }));
    return list;
  }
  static std::array<T, kSize> decode(Value value) {
    auto* list = value.get_if<Value::List>();
    if (list == nullptr || list->size() != kSize) detail::mismatch(type(), value);
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::array<T, kSize>{detail::convert_part(I, [&] { return Codec<T>::decode(std::move((*list)[I])); })...};
    }
    (std::make_index_sequence<kSize>{});
  }
  static std::string type() { return "list of " + std::to_string(kSize) + " " + Codec<T>::type(); }
};

// What can be an argument of a call by name: also a text that is no std::string, such as a literal.
template <class T>
concept Argument = Encodable<T> || std::convertible_to<const T&, std::string_view>;

namespace detail {

template <Argument T>
Value encode_argument(const T& argument) {
  if constexpr (Encodable<T>) {
    return Codec<T>::encode(argument);
  } else {
    return std::string_view(argument);
  }
}

}  // namespace detail

// An argument by name: {"x", 1}.
struct NamedArgument {
  template <Argument T>
  NamedArgument(std::string n, const T& v) : name(std::move(n)) {
    try {
      value = detail::encode_argument(v);
    } catch (const EncodeError& e) {
      refusal = e.what();
    }
  }
  std::string name;
  Value value;
  std::string refusal;  // why it cannot travel; for the call to say, which knows the function
};

}  // namespace tractor

#include "tractor/codec_described.h"
#include "tractor/codec_messages.h"
