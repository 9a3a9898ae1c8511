// The exception types that a program has registered, by name and by type: those that cross processes as themselves.
//
// Filled in main, before anything runs, and the same in every process of the program; read-only afterwards, any thread.
// The typed side (sdk/include/tractor/exceptions.h) makes the entries.
#pragma once

#include <cstddef>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/wire/value.h"

namespace tractor {

struct ExceptionType {
  std::string name = {};      // on the wire: "my.Error"
  std::string cpp_type = {};  // as type_name_of() tells it: "my::Error"
  // What travels besides its text (null: nothing); empty when the exception is of another type. Throws EncodeError.
  std::optional<Value> (*encode)(const std::exception_ptr& error) = nullptr;
  // The exception again. Throws DecodeError when that is not what travelled.
  std::exception_ptr (*decode)(const std::string& message, const Value& data) = nullptr;
};

class ExceptionTable {
 public:
  static constexpr std::size_t kMaxTypeName = 255;  // part of every error, which must fit into metadata

  // UsageError when the name is taken, is the library's, or is no name, or when the type is registered already.
  void add(ExceptionType type);
  // Null when there is none.
  const ExceptionType* find_name(std::string_view name) const;
  const ExceptionType* find_type(std::string_view cpp_type) const;

 private:
  std::map<std::string, std::unique_ptr<const ExceptionType>, std::less<>> by_name_;
  std::map<std::string, const ExceptionType*, std::less<>> by_type_;
};

}  // namespace tractor
