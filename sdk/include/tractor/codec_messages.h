// How protobuf messages and durations travel. Part of codec.h. Messages are recognised by what they can do: whoever
// passes one has included its header.
#pragma once

#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "tractor/codec.h"

namespace tractor {

template <class T>
concept ProtobufMessage = requires(T& message, const T& constant, std::string& text) {
  { T::default_instance() } -> std::same_as<const T&>;
  { constant.GetTypeName() } -> std::convertible_to<std::string>;
  { constant.SerializeToString(&text) } -> std::same_as<bool>;
  { message.ParseFromString(text) } -> std::same_as<bool>;
};

namespace detail {

inline constexpr char kMessageUrl[] = "type.googleapis.com/";

// Whether it is a message of that full name, from whatever server its type URL is.
bool is_message(const Value& value, const std::string& full_name);

// A google.protobuf.Duration.
struct WholeSeconds {
  std::int64_t seconds = 0;
  std::int32_t nanoseconds = 0;  // of the same sign
};
// Throws EncodeError above its limit, 10,000 years.
Value encode_seconds(WholeSeconds duration);
// Of an int64 or a google.protobuf.Duration; empty for anything else.
std::optional<WholeSeconds> decode_seconds(const Value& value);

}  // namespace detail

// In a google.protobuf.Any. (A tractor.v1.Value there is the value it holds, and no message.)
template <ProtobufMessage T>
struct Codec<T> {
  static Value encode(const T& message) {
    Value::Message any{.type_url = std::string(detail::kMessageUrl) + type(), .data = {}};
    if (!message.SerializeToString(&any.data)) throw EncodeError("a " + type() + " that cannot be serialized");
    return any;
  }
  static T decode(const Value& value) {
    if (!detail::is_message(value, type())) detail::mismatch(type(), value);
    T message;
    if (!message.ParseFromString(value.get_if<Value::Message>()->data))
      throw DecodeError("expected " + type() + ", got bytes that are none");
    return message;
  }
  static std::string type() { return T::default_instance().GetTypeName(); }
};

// Seconds: as double where that is exact, else as a google.protobuf.Duration. Both are taken, and whole seconds as
// int64; what lies between two ticks becomes the nearest. Points in time do not travel: clocks of two hosts differ.
template <class Rep, class Period>
struct Codec<std::chrono::duration<Rep, Period>> {
  using Duration = std::chrono::duration<Rep, Period>;

  static Value encode(Duration value) {
    const double seconds = std::chrono::duration<double>(value).count();
    const std::optional<Duration> back = from_seconds(seconds);
    if (back && (std::floating_point<Rep> || *back == value)) return seconds;
    if constexpr (kWholeNanoseconds) {
      const auto whole = std::chrono::duration_cast<std::chrono::seconds>(value);
      const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(value - whole);
      return detail::encode_seconds({whole.count(), static_cast<std::int32_t>(rest.count())});
    } else {
      throw EncodeError("expected a duration that is exact as double, got " + std::to_string(seconds) + " s");
    }
  }
  static Duration decode(const Value& value) {
    std::optional<Duration> duration;
    if (const auto* seconds = value.get_if<double>()) {
      duration = from_seconds(*seconds);
    } else if (const auto whole = detail::decode_seconds(value)) {
      duration = from_seconds(*whole);
    }
    if (duration) return *duration;
    const double longest = std::chrono::duration<double>(Duration::max()).count();
    detail::mismatch(type() + " of at most " + std::to_string(longest) + " s", value);
  }
  static std::string type() { return "duration"; }

 private:
  // A second is a whole number of ticks, a tick a whole number of nanoseconds.
  static constexpr bool kWholeNanoseconds = std::integral<Rep> && Period::num == 1 && std::nano::den % Period::den == 0;

  // Empty when it does not fit.
  static std::optional<Duration> from_seconds(double seconds) {
    const double ticks = seconds * Period::den / Period::num;
    if constexpr (std::floating_point<Rep>) {
      if (std::abs(ticks) <= std::numeric_limits<Rep>::max()) return Duration(static_cast<Rep>(ticks));
    } else if (std::abs(ticks) < 0x1p63) {
      if (const auto whole = std::llround(ticks); std::in_range<Rep>(whole)) return Duration(static_cast<Rep>(whole));
    }
    return std::nullopt;
  }
  static std::optional<Duration> from_seconds(detail::WholeSeconds from) {
    if constexpr (kWholeNanoseconds) {
      const auto rest = std::llround(from.nanoseconds / (1e9 / Period::den));
      std::int64_t ticks = 0;
      if (__builtin_mul_overflow(from.seconds, Period::den, &ticks) || __builtin_add_overflow(ticks, rest, &ticks) ||
          !std::in_range<Rep>(ticks)) {
        return std::nullopt;
      }
      return Duration(static_cast<Rep>(ticks));
    } else {
      return from_seconds(static_cast<double>(from.seconds) + from.nanoseconds * 1e-9);
    }
  }
};

}  // namespace tractor
