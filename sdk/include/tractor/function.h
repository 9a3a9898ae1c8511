// Functions that actors run: what may be one, and how a C++ function becomes an entry of the program's table.
//
// A function is a plain function, a static member function, or a captureless lambda; parameters by value or const
// reference, results by value, all of them Encodable. Its first parameter may be a std::stop_token when it runs
// in_thread; a Yield<T>& makes it a generator, a Context<In, Out>& a dialog. Of an overload set, name one:
// tractor::overload<int(int)>(f).
#pragma once

#include <array>
#include <chrono>
#include <cmath>
#include <concepts>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeindex>
#include <utility>

#include "runtime/actor/function_table.h"
#include "runtime/task/stream.h"
#include "tractor/codec.h"
#include "tractor/context.h"

namespace tractor {

// Runs the function on a worker thread: for long computations. Nothing of the API works there but Scheduler::post, the
// rest throws UsageError; a first parameter std::stop_token is told when the caller cancels.
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

// What the compiler takes a name of several functions for, which has no type.
struct OverloadSet {
  OverloadSet(...);
};
template <class F>
struct OneFunction {
  static_assert(!std::is_same_v<F, OverloadSet>,
                "this names several functions, or a function template: say which one, tractor::overload<int(int)>(f)");
  static constexpr bool value = true;
};

// A function that a program can define: not a name, which is a string.
template <class F>
concept ActorFunction = OneFunction<F>::value &&
    ((std::is_pointer_v<F> && std::is_function_v<std::remove_pointer_t<F>>) ||
     (std::is_class_v<F> && !std::convertible_to<const F&, std::string_view>));

template <class F>
struct Signature;  // of plain functions only
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
  } else if constexpr (!std::is_empty_v<F>) {
    static_assert(always_false<F>, "a lambda with captures cannot run in another process: give it parameters instead");
  } else if constexpr (requires { +function; }) {
    return +function;
  } else {
    static_assert(
        always_false<F>,
        "an actor's function is a plain function or a captureless lambda: give a generic lambda types instead "
        "of auto");
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

// The parameters a caller gives: without a first one that is not an argument.
template <class T>
struct CallerParameters {
  using type = T;
  static constexpr FunctionKind kKind = FunctionKind::unary;
  static constexpr bool kTakesStopToken = false;
};
template <class... P>
struct CallerParameters<Types<std::stop_token, P...>> {
  using type = Types<P...>;
  static constexpr FunctionKind kKind = FunctionKind::unary;
  static constexpr bool kTakesStopToken = true;
};
template <class... P>
struct CallerParameters<Types<const std::stop_token&, P...>> : CallerParameters<Types<std::stop_token, P...>> {};
template <class T, class... P>
struct CallerParameters<Types<Yield<T>&, P...>> {
  using type = Types<P...>;
  using Item = T;
  static constexpr FunctionKind kKind = FunctionKind::generator;
  static constexpr bool kTakesStopToken = false;
};
template <class I, class O, class... P>
struct CallerParameters<Types<Context<I, O>&, P...>> {
  using type = Types<P...>;
  using In = I;
  using Out = O;
  static constexpr FunctionKind kKind = FunctionKind::dialog;
  static constexpr bool kTakesStopToken = false;
};

// What a call of it gives.
template <FunctionKind kKind, class Result, class Stripped>
struct CallResult {
  using type = Result;
};
template <class Result, class Stripped>
struct CallResult<FunctionKind::generator, Result, Stripped> {
  static_assert(std::is_void_v<Result>, "a generator returns nothing: what it has to say, it yields");
  using type = Stream<typename Stripped::Item>;
};

template <class F>
struct Traits {
  using Raw = Signature<FunctionPointer<F>>;
  using Result = typename Raw::Result;
  using Stripped = CallerParameters<typename Raw::Parameters>;
  using Parameters = typename Stripped::type;
  static constexpr FunctionKind kKind = Stripped::kKind;
  using Called = typename CallResult<kKind, Result, Stripped>::type;
  static constexpr bool kTakesStopToken = Stripped::kTakesStopToken;
  static_assert(!std::is_reference_v<Result> && !std::is_pointer_v<Result>,
                "an actor's function returns by value: a reference or pointer means nothing in another process");
  static_assert(
      std::is_void_v<Result> || std::is_reference_v<Result> || std::is_pointer_v<Result> || Encodable<Result>,
      "the result's type cannot travel: return what owns its content, such as std::string for a view; describe "
      "the struct or enum with BOOST_DESCRIBE_STRUCT or BOOST_DESCRIBE_ENUM, or specialize tractor::Codec");
};

// Runs the function; an error of its result names it.
template <class T>
Value encode_result_of(const std::string& function, T&& call) {
  using R = std::invoke_result_t<T>;
  if constexpr (std::is_void_v<R>) {
    call();
    return {};
  } else {
    const R result = call();
    try {
      return Codec<std::decay_t<R>>::encode(result);
    } catch (const EncodeError& e) {
      throw EncodeError("the result of " + function + " cannot travel: " + e.what());
    }
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

// Where a generator's items go that is called from elsewhere.
template <class T>
class StreamedYield final : public YieldSink<T> {
 public:
  explicit StreamedYield(ItemStream& stream) : stream_(stream) {}
  void put(T&& item) override { stream_.send(encode_item(item)); }

 private:
  ItemStream& stream_;
};

// Calls `function` with what stands in front of its arguments.
template <class Stripped, class Pointer, class... A>
decltype(auto) call_with_environment(Pointer function, CallEnvironment& environment, A&&... arguments) {
  if constexpr (Stripped::kKind == FunctionKind::generator) {
    StreamedYield<typename Stripped::Item> sink(*environment.stream);
    Yield<typename Stripped::Item> yield(sink);
    return function(yield, std::forward<A>(arguments)...);
  } else if constexpr (Stripped::kKind == FunctionKind::dialog) {
    Context<typename Stripped::In, typename Stripped::Out> context(*environment.stream, environment.call_id,
                                                                   environment.caller, *environment.served);
    return function(context, std::forward<A>(arguments)...);
  } else if constexpr (Stripped::kTakesStopToken) {
    return function(std::move(environment.stop), std::forward<A>(arguments)...);
  } else {
    return function(std::forward<A>(arguments)...);
  }
}

template <class Stripped, class Pointer, class... P>
auto erased_call(std::string name, Pointer function, Types<P...> /*parameters*/) {
  return [name = std::move(name), function](std::vector<std::optional<Value>> arguments,
                                            CallEnvironment& environment) -> Value {
    static_cast<void>(arguments);
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      // Braces: decoded from left to right, so that the first wrong one is named.
      std::tuple<std::decay_t<P>...> decoded{decode_argument<P>(I, arguments[I])...};
      return encode_result_of(name, [&]() -> decltype(auto) {
        return call_with_environment<Stripped>(function, environment, std::move(std::get<I>(decoded))...);
      });
    }
    (std::index_sequence_for<P...>{});
  };
}

template <class... P>
std::vector<Parameter> describe_parameters(Types<P...> /*parameters*/) {
  static_assert((is_parameter<P> && ...),
                "a parameter's type cannot travel: take values or const references (no views, pointers or mutable "
                "references); describe the struct or enum with BOOST_DESCRIBE_STRUCT or BOOST_DESCRIBE_ENUM, or "
                "specialize tractor::Codec");
  return {Parameter{.type = Codec<std::decay_t<P>>::type(), .optional = IsOptional<std::decay_t<P>>::value}...};
}

template <class T>
std::string result_type() {
  if constexpr (T::kKind == FunctionKind::generator) {
    return Codec<typename T::Stripped::Item>::type();
  } else if constexpr (std::is_void_v<typename T::Result>) {
    return "null";
  } else {
    return Codec<typename T::Result>::type();
  }
}

// Throws UsageError unless there are as many names as parameters, or none.
void name_parameters(Function& function, std::vector<std::string> names);

// `options`: the parameters' names (all, or none: then they are arg1, arg2, ...), and in_thread.
template <class F, class... Options>
Function make_function(const std::string& module, const std::string& name, F function, const Options&... options) {
  using T = Traits<F>;
  Function entry{.module = module,
                 .name = name,
                 .qualified_name = module + '.' + name,
                 .kind = T::kKind,
                 .parameters = describe_parameters(typename T::Parameters()),
                 .result_type = result_type<T>(),
                 .in_thread = (std::is_same_v<Options, InThread> || ...),
                 .key = function_key(function),
                 .call = erased_call<typename T::Stripped>(module + '.' + name, function_pointer(function),
                                                           typename T::Parameters())};
  static_assert(!T::kTakesStopToken || (std::is_same_v<Options, InThread> || ...),
                "only a function that runs in_thread gets a std::stop_token");
  static_assert(T::kKind == FunctionKind::unary || !(std::is_same_v<Options, InThread> || ...),
                "a generator or a dialog cannot run in_thread, where nothing can wait: give the computing part of it "
                "to tractor::to_thread");
  std::vector<std::string> names;
  [[maybe_unused]] const auto take_name = [&](const auto& option) {
    if constexpr (!std::is_same_v<std::decay_t<decltype(option)>, InThread>) names.emplace_back(option);
  };
  (take_name(options), ...);
  name_parameters(entry, std::move(names));
  return entry;
}

template <class T>
inline constexpr bool kHoldsValues = false;
template <class A, class B>
inline constexpr bool kHoldsValues<std::pair<A, B>> = true;
template <class... T>
inline constexpr bool kHoldsValues<std::tuple<T...>> = true;
template <class T>
inline constexpr bool kIsDuration = false;
template <class R, class P>
inline constexpr bool kIsDuration<std::chrono::duration<R, P>> = true;

// An argument of a typed call, as the parameter P. A number or a duration that does not fit (300 into int8) is an
// error, where a call in C++ would wrap; a double is rounded to a float, as there.
template <class P, class A>
Value encode_as(const A& argument) {
  if constexpr (std::is_same_v<P, A>) {
    return Codec<P>::encode(argument);
  } else if constexpr (IsOptional<P>::value && IsOptional<A>::value) {
    return argument ? encode_as<typename P::value_type>(*argument) : Value();
  } else if constexpr (IsOptional<P>::value && !std::is_same_v<A, std::nullopt_t>) {
    return encode_as<typename P::value_type>(argument);
  } else if constexpr (std::floating_point<P> && std::floating_point<A>) {
    const P rounded = static_cast<P>(argument);
    return std::isinf(rounded) && !std::isinf(argument) ? Codec<P>::encode(Codec<P>::decode(Codec<A>::encode(argument)))
                                                        : Codec<P>::encode(rounded);
  } else if constexpr (kHoldsValues<P> && kHoldsValues<A>) {  // of one size, or it would not be convertible
    Value::List list;
    [&]<std::size_t... I>(std::index_sequence<I...> /*all*/) {
      (list.push_back(
           convert_part(I, [&] { return encode_as<std::decay_t<std::tuple_element_t<I, P>>>(std::get<I>(argument)); })),
       ...);
    }
    (std::make_index_sequence<std::tuple_size_v<P>>());
    return list;
  } else if constexpr (((Integer<P> || std::floating_point<P>)&&(Integer<A> || std::floating_point<A>)) ||
                       (kIsDuration<P> && kIsDuration<A>)) {
    return Codec<P>::encode(Codec<P>::decode(Codec<A>::encode(argument)));
  } else {
    return Codec<P>::encode(static_cast<P>(argument));
  }
}

// Throws CallError, naming function and argument.
[[noreturn]] void refuse_argument(const Function& function, std::size_t index, const Error& why);

// The arguments of a typed call, converted to what the function takes.
template <class... P, class... A>
Value::List encode_arguments(const Function& function, Types<P...> /*parameters*/, const A&... arguments) {
  Value::List list;
  if constexpr (sizeof...(A) != sizeof...(P)) {
    static_assert(always_false<Types<P...>>,
                  "the function takes another number of arguments: give all of them, std::nullopt for an optional one");
  } else if constexpr (!(std::is_convertible_v<const A&, std::decay_t<P>> && ...)) {
    static_assert(always_false<Types<P...>>,
                  "an argument cannot be converted to what the function takes: look at the types of its parameters");
  } else {
    list.reserve(sizeof...(A));
    try {
      (list.push_back(encode_as<std::decay_t<P>>(arguments)), ...);
    } catch (const Error& e) {
      refuse_argument(function, list.size(), e);
    }
  }
  return list;
}

// What the running program has defined that function as; UsageError when it has not.
const Function& defined(const FunctionKey& key);

}  // namespace detail
}  // namespace tractor
