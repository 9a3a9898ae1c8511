// Functions that actors run: what may be one, and how a C++ function becomes an entry of the program's table.
//
// A function is a plain function, a static member function, or a captureless lambda; parameters by value or const
// reference, results by value, all of them Encodable. Its first parameter may be a std::stop_token when it runs
// in_thread. Of an overload set, name one: tractor::overload<int(int)>(f).
#pragma once

#include <array>
#include <functional>
#include <stop_token>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeindex>
#include <utility>

#include "runtime/actor/function_table.h"
#include "tractor/codec.h"

namespace tractor {

// Runs the function on a worker thread: for long computations. The API, other than posting, throws there; a first
// parameter std::stop_token is told when the caller cancels.
struct InThread {};
inline constexpr InThread in_thread;

// Names one of several functions of the same name.
template <class Signature>
constexpr Signature* overload(Signature* function) {
  return function;
}

namespace detail {

template <class T>
inline constexpr bool always_false = false;

template <class... P>
struct Types {};

template <class F>
struct Signature {
  static_assert(always_false<F>, "an actor's function is a plain function or a captureless lambda that is not generic");
};
template <class R, class... P>
struct Signature<R (*)(P...)> {
  using Result = R;
  using Parameters = Types<P...>;
};
template <class R, class... P>
struct Signature<R (*)(P...) noexcept> : Signature<R (*)(P...)> {};

// The plain function pointer behind a function or a captureless lambda.
template <class F>
auto function_pointer(F function) {
  if constexpr (std::is_pointer_v<F>) {
    return function;
  } else {
    static_assert(std::is_empty_v<F>,
                  "a lambda with captures cannot run in another process: give it parameters instead");
    return +function;
  }
}
template <class F>
using FunctionPointer = decltype(function_pointer(std::declval<std::decay_t<F>>()));

template <class F>
FunctionKey function_key(const F& function) {
  if constexpr (std::is_pointer_v<std::decay_t<F>>) {
    return reinterpret_cast<void (*)()>(static_cast<std::decay_t<F>>(function));
  } else {
    return std::type_index(typeid(F));
  }
}

template <class P>
inline constexpr bool is_parameter = Encodable<std::decay_t<P>> &&
                                     (!std::is_reference_v<P> ||
                                      (std::is_lvalue_reference_v<P> && std::is_const_v<std::remove_reference_t<P>>));

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

// The parameters a caller gives: without a leading std::stop_token.
template <class T>
struct CallerParameters {
  using type = T;
  static constexpr bool kTakesStopToken = false;
};
template <class... P>
struct CallerParameters<Types<std::stop_token, P...>> {
  using type = Types<P...>;
  static constexpr bool kTakesStopToken = true;
};

template <class F>
struct Traits {
  using Raw = Signature<FunctionPointer<F>>;
  using Result = typename Raw::Result;
  using Stripped = CallerParameters<typename Raw::Parameters>;
  using Parameters = typename Stripped::type;
  static constexpr bool kTakesStopToken = Stripped::kTakesStopToken;
  static_assert(!std::is_reference_v<Result> && !std::is_pointer_v<Result>,
                "an actor's function returns by value: a reference means nothing in another process");
  static_assert(std::is_void_v<Result> || Encodable<Result>,
                "the result's type cannot travel: describe the struct with BOOST_DESCRIBE_STRUCT, or specialize "
                "tractor::Codec for it");
};

template <class T>
Value encode_result_of(T&& call) {
  if constexpr (std::is_void_v<std::invoke_result_t<T>>) {
    call();
    return {};
  } else {
    return Codec<std::decay_t<std::invoke_result_t<T>>>::encode(call());
  }
}

template <class P>
std::decay_t<P> decode_argument(std::size_t index, std::optional<Value>& argument) {
  try {
    return Codec<std::decay_t<P>>::decode(argument ? std::move(*argument) : Value());
  } catch (const DecodeError& e) {
    throw ArgumentMismatch(index, e.what());
  }
}

template <class Pointer, bool kTakesStopToken, class... P>
auto erased_call(Pointer function, Types<P...> /*parameters*/) {
  return [function](std::vector<std::optional<Value>> arguments, std::stop_token stop) -> Value {
    static_cast<void>(arguments);
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      // Braces: decoded from left to right, so that the first wrong one is named.
      std::tuple<std::decay_t<P>...> decoded{decode_argument<P>(I, arguments[I])...};
      return encode_result_of([&]() -> decltype(auto) {
        if constexpr (kTakesStopToken) {
          return function(std::move(stop), std::move(std::get<I>(decoded))...);
        } else {
          return function(std::move(std::get<I>(decoded))...);
        }
      });
    }
    (std::index_sequence_for<P...>{});
  };
}

template <class... P>
std::vector<Parameter> describe_parameters(Types<P...> /*parameters*/) {
  static_assert((is_parameter<P> && ...),
                "a parameter's type cannot travel: take values or const references of types that tractor::Codec covers "
                "(not views, pointers or "
                "mutable references); describe structs with BOOST_DESCRIBE_STRUCT");
  return {Parameter{.type = Codec<std::decay_t<P>>::type(), .optional = IsOptional<std::decay_t<P>>::value}...};
}

template <class T>
std::string result_type() {
  if constexpr (std::is_void_v<T>) {
    return "null";
  } else {
    return Codec<T>::type();
  }
}

// Throws UsageError unless there are as many names as parameters, or none.
void name_parameters(Function& function, std::vector<std::string> names);

// `options`: the parameters' names (all, or none: then they are arg1, arg2, ...), and in_thread.
template <class F, class... Options>
Function make_function(std::string module, std::string name, F function, const Options&... options) {
  using T = Traits<F>;
  Function entry{.module = std::move(module),
                 .name = std::move(name),
                 .parameters = describe_parameters(typename T::Parameters()),
                 .result_type = result_type<typename T::Result>(),
                 .in_thread = (std::is_same_v<Options, InThread> || ...),
                 .key = function_key(function),
                 .call = erased_call<FunctionPointer<F>, T::kTakesStopToken>(function_pointer(function),
                                                                             typename T::Parameters())};
  static_assert(!T::kTakesStopToken || (std::is_same_v<Options, InThread> || ...),
                "only a function that runs in_thread gets a std::stop_token");
  std::vector<std::string> names;
  [[maybe_unused]] const auto take_name = [&](const auto& option) {
    if constexpr (!std::is_same_v<std::decay_t<decltype(option)>, InThread>) names.emplace_back(option);
  };
  (take_name(options), ...);
  name_parameters(entry, std::move(names));
  return entry;
}

// The arguments of a typed call, converted to what the function takes.
template <class... P, class... A>
Value::List encode_arguments(Types<P...> /*parameters*/, A&&... arguments) {
  static_assert(sizeof...(A) == sizeof...(P), "the function takes another number of arguments");
  static_assert((std::is_convertible_v<A, std::decay_t<P>> && ...),
                "an argument cannot be converted to what the function takes");
  return Value::List{Codec<std::decay_t<P>>::encode(static_cast<std::decay_t<P>>(std::forward<A>(arguments)))...};
}

// The name under which the running program has that function; UsageError when it was not defined.
std::string name_of(const FunctionKey& key);

}  // namespace detail
}  // namespace tractor
