// How described types travel: structs as a map by member name, enums as the name of their value. Part of codec.h.
//
//   struct Seat { int row = 0; std::optional<std::string> note = {}; };
//   BOOST_DESCRIBE_STRUCT(Seat, (), (row, note))
#pragma once

#include <boost/describe.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "tractor/codec.h"

namespace tractor {

namespace detail {

// "red, green".
template <class Descriptors>
std::string names_of() {
  std::string names;
  boost::mp11::mp_for_each<Descriptors>(
      [&](auto descriptor) { names += (names.empty() ? "" : ", ") + std::string(descriptor.name); });
  return names;
}

template <class A, class B>
using BeforeByName = boost::mp11::mp_bool<(std::string_view(A::name) < std::string_view(B::name))>;
template <class A, class B>
using OfOneName = boost::mp11::mp_bool<std::string_view(A::name) == std::string_view(B::name)>;

}  // namespace detail

// A missing member keeps its default when its type is optional; an unknown one is an error. Members of described bases
// are members.
template <class T>
requires(boost::describe::has_describe_members<T>::value && !std::is_union_v<T>) struct Codec<T> {
  using Members =
      boost::describe::describe_members<T, boost::describe::mod_any_access | boost::describe::mod_inherited>;
  // As the map has them, so that it is built from one end to the other, and read without searching.
  using Sorted = boost::mp11::mp_sort<Members, detail::BeforeByName>;

  using WithHidden =
      boost::describe::describe_members<T, boost::describe::mod_any_access | boost::describe::mod_inherited |
                                               boost::describe::mod_hidden>;
  static_assert(boost::mp11::mp_size<boost::mp11::mp_unique_if<WithHidden, detail::OfOneName>>::value ==
                    boost::mp11::mp_size<WithHidden>::value,
                "two members of this struct, or of its bases, have one name: a struct travels as a map by member name, "
                "so give each its own");

  static Value encode(const T& object) {
    Value::Map map;
    boost::mp11::mp_for_each<Sorted>([&](auto member) {
      using Member = std::decay_t<decltype(object.*member.pointer)>;
      map.emplace_hint(map.end(), member.name, detail::convert_part(std::string_view(member.name), [&] {
                         return Codec<Member>::encode(object.*member.pointer);
                       }));
    });
    return map;
  }
  static T decode(Value value) {
    auto* map = value.get_if<Value::Map>();
    if (map == nullptr) detail::mismatch(type(), value);
    T object{};
    auto at = map->begin();
    std::size_t known = 0;
    boost::mp11::mp_for_each<Sorted>([&](auto member) {
      using Member = std::decay_t<decltype(object.*member.pointer)>;
      const std::string_view name = member.name;
      while (at != map->end() && name.compare(at->first) > 0) ++at;
      if (at != map->end() && at->first == name) {
        ++known;
        object.*member.pointer =
            detail::convert_part(name, [&] { return Codec<Member>::decode(std::move(at->second)); });
      } else if (!detail::IsOptional<Member>::value) {
        throw DecodeError("expected a member \"" + std::string(name) + "\" (" + Codec<Member>::type() + "), got none");
      }
    });
    if (known != map->size()) refuse_unknown(*map);
    return object;
  }
  static std::string type() { return "struct of (" + detail::names_of<Members>() + ")"; }

 private:
  static void refuse_unknown(const Value::Map& map) {
    for (const auto& entry : map) {
      bool known = false;
      boost::mp11::mp_for_each<Members>([&](auto member) { known = known || entry.first == member.name; });
      if (!known) throw DecodeError("expected " + type() + ", got a member \"" + entry.first + "\"");
    }
  }
};

template <class E>
requires(std::is_enum_v<E>&& boost::describe::has_describe_enumerators<E>::value) struct Codec<E> {
  using Enumerators = boost::describe::describe_enumerators<E>;

  static Value encode(E value) {
    if (const char* name = boost::describe::enum_to_string(value, nullptr)) return name;
    throw EncodeError("expected " + type() + ", got " + std::to_string(static_cast<std::underlying_type_t<E>>(value)));
  }
  static E decode(const Value& value) {
    E found{};
    const auto* name = value.get_if<std::string>();
    if (name == nullptr || !boost::describe::enum_from_string(name->c_str(), found)) detail::mismatch(type(), value);
    return found;
  }
  static std::string type() { return "one of " + detail::names_of<Enumerators>(); }
};

}  // namespace tractor
