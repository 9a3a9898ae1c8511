// Exception types that cross processes as themselves.
//
//   struct SoldOut : std::runtime_error { using runtime_error::runtime_error; };
//   program.exceptions().def<SoldOut>("cinema.SoldOut");
//
//   try {
//     portal.run(book, 7);
//   } catch (const tractor::RemoteActorError& e) {    // type_name() is "cinema.SoldOut"
//     std::rethrow_if_nested(e);                      // throws the SoldOut; does nothing for other errors
//   }
//
// Registered in main, before the program runs, in every process alike. An unregistered type keeps its C++ name and
// text.
#pragma once

#include <concepts>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "runtime/wire/exception_table.h"
#include "runtime/wire/remote_error.h"
#include "tractor/codec.h"

namespace tractor {

class Exceptions {
 public:
  // The type E, under a name that is the same for all programs, in any language, that know it. An exception of exactly
  // that type (not of one derived from it) travels as its members, if it is described (BOOST_DESCRIBE_STRUCT) and has a
  // default constructor; else as its text, what(), from which E is made again. UsageError when the name or the type is
  // taken.
  template <class E>
  Exceptions& def(std::string name) {
    static_assert(std::is_class_v<E> && std::is_copy_constructible_v<E>,
                  "an exception type is a class that can be copied");
    static_assert(!std::is_base_of_v<RemoteActorError, E> && !std::is_base_of_v<CallError, E> &&
                      !std::is_base_of_v<ExceptionGroup, E> && !std::is_same_v<Cancelled, E>,
                  "this type of error crosses processes in a way of its own");
    static_assert(kHasMembers<E> || std::is_constructible_v<E, const std::string&>,
                  "an exception travels as its members or as its text: describe it with BOOST_DESCRIBE_STRUCT and give "
                  "it a default constructor, or a constructor that takes a std::string");
    table_.add(
        {.name = std::move(name), .cpp_type = type_name_of(typeid(E)), .encode = encode<E>, .decode = decode<E>});
    return *this;
  }

 private:
  friend class Program;
  explicit Exceptions(ExceptionTable& table) : table_(table) {}

  template <class E>
  static constexpr bool kHasMembers = Encodable<E>&& std::default_initializable<E>;

  template <class E>
  static std::optional<Value> encode(const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const E& e) {
      if constexpr (kHasMembers<E>) {
        return Codec<E>::encode(e);
      } else {
        return Value();
      }
    } catch (...) {
      return std::nullopt;
    }
  }
  template <class E>
  static std::exception_ptr decode(const std::string& message, const Value& data) {
    if constexpr (kHasMembers<E>) {
      return std::make_exception_ptr(Codec<E>::decode(data));
    } else {
      return std::make_exception_ptr(E(message));
    }
  }

  ExceptionTable& table_;
};

}  // namespace tractor
