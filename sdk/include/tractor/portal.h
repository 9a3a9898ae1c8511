// A portal: another actor, whose functions are called as if they were local.
//
// A handle, cheap to copy; all copies are the same portal. Loop thread only. A call is a checkpoint: it throws what the
// function threw (RemoteActorError, with the type's name, message, origin and path), RemoteCancelled when someone else
// cancelled it, and Cancelled when the calling task was cancelled, after the remote task has ended. A portal may
// outlive its actor: calls then fail, saying what became of it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/wire/actor_description.h"
#include "runtime/wire/remote_error.h"
#include "tractor/codec.h"
#include "tractor/function.h"

namespace tractor {

class Child;
class Peer;

// What a portal's connection is doing.
struct ChannelInfo {
  ActorRef peer = {};
  std::vector<std::string> addresses = {};
  std::string address = {};  // the one in use
  bool ended = false;        // the actor is known to be gone
  std::uint64_t calls_started = 0;
  int calls_in_flight = 0;
};

namespace detail {

// Throws CallError, naming function and argument.
[[noreturn]] void refuse_argument(std::string_view function, std::size_t index, const Error& why);

// The arguments of a call by name, of a function that this program may not know.
template <Argument... A>
Value::List encode_arguments(std::string_view function, const A&... arguments) {
  Value::List list;
  list.reserve(sizeof...(A));
  try {
    (list.push_back(encode_argument(arguments)), ...);
  } catch (const EncodeError& e) {
    refuse_argument(function, list.size(), e);
  }
  return list;
}
Value::Map encode_arguments(std::string_view function, std::initializer_list<NamedArgument> arguments);

template <class R>
R decode_result(std::string_view function, Value value) {
  if constexpr (!std::is_void_v<R>) {
    try {
      return Codec<R>::decode(std::move(value));
    } catch (const DecodeError& e) {
      throw DecodeError("the result of " + std::string(function) + ": " + e.what());
    }
  }
}

}  // namespace detail

class Portal {
 public:
  // --- for programs ---
  // Runs a function that the program has defined: portal.run(hi), portal.run(say_hello, "gretchen"). Argument types are
  // checked by the compiler; UsageError when it was not defined.
  template <detail::ActorFunction F = detail::OverloadSet, class... A>
  auto run(F function, const A&... arguments) {  // the function's own result type
    using T = detail::Traits<F>;
    const Function& known = detail::defined(detail::function_key(function));
    const std::string name = known.qualified_name();
    return detail::decode_result<typename T::Result>(
        name, call(name, {.positional = detail::encode_arguments(known, typename T::Parameters(), arguments...)}));
  }

  // Runs a function by its name: portal.run<std::string>("scene.say_hello", "gretchen"). Without a type the result is a
  // Value.
  template <class R = Value, Argument... A>
  R run(std::string_view function, const A&... arguments) {
    return detail::decode_result<R>(function,
                                    call(function, {.positional = detail::encode_arguments(function, arguments...)}));
  }
  // The same with arguments by name: portal.run<int>("math.add", {{"x", 1}, {"y", 2}}).
  template <class R = Value>
  R run(std::string_view function, std::initializer_list<NamedArgument> arguments) {
    return detail::decode_result<R>(function, call(function, {.named = detail::encode_arguments(function, arguments)}));
  }

  // What can be called there: the modules of its program, which of them are enabled, their functions with parameters
  // and types. A checkpoint.
  ActorDescription describe();

  // Ends the actor: it cancels its tasks and has its budget to clean up, then it is killed. Of a child it waits until
  // the child is gone; of any other actor until that has acknowledged. Never an error when it has ended already. A
  // checkpoint.
  void cancel_actor();

  const std::string& name() const;
  const std::string& id() const;
  ChannelInfo channel() const;

  // --- for the library ---
  Portal(std::shared_ptr<Peer> peer, std::shared_ptr<Child> child) : peer_(std::move(peer)), child_(std::move(child)) {}

 protected:
  Value call(std::string_view function, Arguments arguments);
  Value wait_result();

 private:
  std::shared_ptr<Peer> peer_;
  std::shared_ptr<Child> child_;  // when it is a child of a nursery here
};

// The portal of a one-shot actor, whose function returns a T.
template <class T>
class ResultPortal : public Portal {
 public:
  explicit ResultPortal(Portal portal) : Portal(std::move(portal)) {}

  // What the function returned; waits for it, and throws what it threw. May be asked again, also after the nursery has
  // closed. Throws RemoteCancelled when the actor was cancelled first. A checkpoint only if it must wait.
  T result() { return detail::decode_result<T>("the one-shot actor " + name(), wait_result()); }
};

}  // namespace tractor
