// A value as it travels between actors: null, bool, integer, double, text, bytes, list, map, or a protobuf message with
// its type.
//
// Plain data, copyable, any thread. Codec<T> (sdk/include/tractor/codec.h) converts C++ types to and from it; the wire
// form is proto/tractor/v1/value.proto.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/task/error.h"

namespace tractor {

// An object of C++ that cannot travel.
class EncodeError : public Error {
 public:
  using Error::Error;
};

// A value is not what the type wants.
class DecodeError : public Error {
 public:
  using Error::Error;
};

// The integers: neither bool nor a character type, which are numbers to the language only.
template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> && !std::same_as<T, wchar_t> &&
                  !std::same_as<T, char8_t> && !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

class Value {
 public:
  struct Bytes {
    std::string data;
    bool operator==(const Bytes&) const = default;
  };
  // A serialized protobuf message; type_url as google.protobuf.Any has it.
  struct Message {
    std::string type_url;
    std::string data;
    bool operator==(const Message&) const = default;
  };
  using List = std::vector<Value>;
  using Map = std::map<std::string, Value, std::less<>>;

  Value() = default;
  Value(std::nullptr_t) {}
  template <std::same_as<bool> T>  // and no pointer, which would be true
  Value(T value) : data_(value) {}
  // Throws EncodeError above int64's range, which is the integer that travels.
  template <Integer T>
  Value(T value) : data_(to_int64(value)) {}
  Value(double value) : data_(value) {}
  Value(float value) : data_(static_cast<double>(value)) {}
  Value(const char* value) : data_(std::string(value)) {}
  Value(std::string_view value) : data_(std::string(value)) {}
  Value(std::string value) : data_(std::move(value)) {}
  Value(Bytes value) : data_(std::move(value)) {}
  Value(Message value) : data_(std::move(value)) {}
  Value(List value) : data_(std::move(value)) {}
  Value(Map value) : data_(std::move(value)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  // The content when it is a T (bool, std::int64_t, double, std::string, Bytes, Message, List, Map), else null.
  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&data_);
  }
  template <class T>
  T* get_if() {
    return std::get_if<T>(&data_);
  }

  // "null", "bool", "int64", "double", "string", "bytes", "message", "list", "map".
  std::string_view type_name() const;
  // For error messages and people: `int64 7`, `string "two"`, a list of 3; cut after about 80 characters.
  std::string describe() const;

  bool operator==(const Value&) const = default;

 private:
  static std::int64_t to_int64(Integer auto value) {
    if (!std::in_range<std::int64_t>(value)) out_of_range(static_cast<std::uint64_t>(value));
    return static_cast<std::int64_t>(value);
  }
  [[noreturn]] static void out_of_range(std::uint64_t value);

  std::variant<std::monostate, bool, std::int64_t, double, std::string, Bytes, Message, List, Map> data_;
};

// Whether text is valid UTF-8, and so travels as a string in every language.
bool is_utf8(std::string_view text);

// What a call is made with: values by position, then by name.
struct Arguments {
  Value::List positional = {};
  Value::Map named = {};
};

}  // namespace tractor
