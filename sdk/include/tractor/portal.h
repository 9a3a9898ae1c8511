// A portal: another actor, whose functions are called as if they were local.
//
// A handle, cheap to copy; all copies are the same portal. Loop thread only. A call is a checkpoint: it throws what the
// function threw (RemoteActorError, with the type's name, message, origin and path), RemoteCancelled when someone else
// cancelled it, and Cancelled when the calling task was cancelled, after the remote task has ended; an actor that does
// not acknowledge a cancel within RunOptions::unacknowledged_after is given up, with an error that says that the call's
// state is unknown. The caller's deadline travels with the call, as it is then; that of a stream or a dialog does not,
// since it may outlive the scope that it is opened in. A call that a breaking link has not carried is sent once more;
// else the error's executed() says whether it may have run. CallError (invalid_argument) when an argument cannot
// travel, DecodeError when the result is no R. A portal may outlive its actor: calls then fail; that of the nursery
// that started it says what became of it. In a later run of the program calls are UsageErrors.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/wire/actor_description.h"
#include "runtime/wire/item_room.h"
#include "runtime/wire/remote_error.h"
#include "tractor/codec.h"
#include "tractor/context.h"
#include "tractor/function.h"

namespace tractor {

class Child;
class Monitor;
class Peer;
struct Down;
template <class T>
class SendChannel;

// What a portal's connection is doing.
struct ChannelInfo {
  ActorRef peer = {};
  std::vector<std::string> addresses = {};
  std::string address = {};  // the one in use
  bool ended = false;        // the actor is known to be gone
  std::uint64_t calls_started = 0;
  int calls_in_flight = 0;
};

// How far a generator, or the other side of a dialog, may be ahead of whoever receives its items: until so many items
// or bytes are here that are not received. One item may be larger than that.
struct StreamOptions {
  std::int64_t items = kDefaultItemRoom.items;
  std::int64_t bytes = kDefaultItemRoom.bytes;
};

namespace detail {

template <class R>
struct StreamedType {
  static constexpr bool kIsStream = false;
};
template <class T>
struct StreamedType<Stream<T>> {
  static constexpr bool kIsStream = true;
  using Item = T;
};

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

}  // namespace detail

class Portal {
 public:
  // --- for programs ---
  // Runs a function that the program has defined: portal.run(hi), portal.run(say_hello, "gretchen"). Argument types are
  // checked by the compiler; UsageError when it was not defined. Of a generator the result is a Stream<T>, which ends
  // the generator when it goes; whatever is wrong with that call is thrown by the stream.
  template <detail::ActorFunction F = detail::OverloadSet, class... A>
  requires(!std::is_same_v<F, StreamOptions>) auto run(F function, const A&... arguments) {
    return run(StreamOptions{}, function, arguments...);
  }
  template <detail::ActorFunction F, class... A>
  auto run(const StreamOptions& options, F function, const A&... arguments) {
    using T = detail::Traits<F>;
    static_assert(T::kKind != FunctionKind::dialog, "this function takes a Context: use portal.open_context()");
    const Function& known = detail::defined(detail::function_key(function));
    return run_as<typename T::Called>(
        options, known.qualified_name,
        {.positional = detail::encode_arguments(known, typename T::Parameters(), arguments...)});
  }

  // Runs a function by its name: portal.run<std::string>("scene.say_hello", "gretchen"). Without a type the result is a
  // Value; that of a generator is a Stream: portal.run<tractor::Stream<int>>("numbers.count", 10).
  template <class R = Value, Argument... A>
  R run(std::string_view function, const A&... arguments) {
    return run_as<R>({}, function, {.positional = detail::encode_arguments(function, arguments...)});
  }
  // The same with arguments by name: portal.run<int>("math.add", {{"x", 1}, {"y", 2}}).
  template <class R = Value>
  R run(std::string_view function, std::initializer_list<NamedArgument> arguments) {
    return run_as<R>({}, function, {.named = detail::encode_arguments(function, arguments)});
  }

  // Opens a dialog with a function that takes a Context<In, Out>& first: a Dialog, which sends In and receives Out.
  // Returns at once; whatever is wrong with the call is thrown by the dialog. UsageError when it is with this actor
  // itself.
  template <detail::ActorFunction F = detail::OverloadSet, class... A>
  requires(!std::is_same_v<F, StreamOptions>) auto open_context(F function, const A&... arguments) {
    return open_context(StreamOptions{}, function, arguments...);
  }
  template <detail::ActorFunction F, class... A>
  auto open_context(const StreamOptions& options, F function, const A&... arguments) {
    using T = detail::Traits<F>;
    static_assert(T::kKind == FunctionKind::dialog,
                  "a dialog is a function whose first parameter is a tractor::Context<In, Out>&");
    const Function& known = detail::defined(detail::function_key(function));
    return Dialog<typename T::Stripped::In, typename T::Stripped::Out, typename T::Result>(
        open_dialog(known.qualified_name,
                    {.positional = detail::encode_arguments(known, typename T::Parameters(), arguments...)}, options));
  }
  // The same by name: portal.open_context<int, std::string, int>("numbers.add_up", 100).
  template <class In, class Out, class R = void, Argument... A>
  Dialog<In, Out, R> open_context(std::string_view function, const A&... arguments) {
    return Dialog<In, Out, R>(
        open_dialog(function, {.positional = detail::encode_arguments(function, arguments...)}, {}));
  }

  // Cancels a call that is in flight there, whoever made it, by its id (Dialog::call_id, Context::call_id): who waits
  // for it is told RemoteCancelled. Whether there was one. A checkpoint.
  bool cancel_call(const std::string& call_id, const std::string& reason = "");

  // What can be called there: the modules of its program, which of them are enabled, their functions with parameters
  // and types. A checkpoint.
  ActorDescription describe();

  // Ends the actor: it cancels its tasks and has its budget to clean up, then it is killed. Of a child it waits until
  // the child is gone; of any other actor until that has acknowledged. Never an error when it has ended already. A
  // checkpoint.
  void cancel_actor();

  // Tells once when this actor is gone: see monitor.h. Not a checkpoint.
  [[nodiscard]] Monitor monitor(std::function<void(const Down&)> callback) const;
  [[nodiscard]] Monitor monitor(SendChannel<Down> channel) const;

  // Not checkpoints.
  const std::string& name() const;
  const std::string& id() const;
  ChannelInfo channel() const;

  // --- for the library ---
  Portal(std::shared_ptr<Peer> peer, std::shared_ptr<Child> child) : peer_(std::move(peer)), child_(std::move(child)) {}

 protected:
  Value call(std::string_view function, Arguments arguments);
  Value wait_result();

 private:
  template <class R>
  R run_as(const StreamOptions& options, std::string_view function, Arguments arguments) {
    if constexpr (detail::StreamedType<R>::kIsStream) {
      using Item = typename detail::StreamedType<R>::Item;
      return R(std::make_unique<detail::RemoteSource<Item>>(open_stream(function, std::move(arguments), options)));
    } else {
      return detail::decode_value<R>("the result of ", function, call(function, std::move(arguments)));
    }
  }
  std::unique_ptr<RemoteStream> open_stream(std::string_view function, Arguments arguments,
                                            const StreamOptions& options);
  std::unique_ptr<RemoteStream> open_dialog(std::string_view function, Arguments arguments,
                                            const StreamOptions& options);

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
  T result() { return detail::decode_value<T>("the result of the one-shot actor ", name(), wait_result()); }
};

// The portal of a one-shot actor that runs a generator: it starts at once, and is ended when the last of these portals
// goes without its stream having been taken.
template <class T>
class ResultPortal<Stream<T>> : public Portal {
 public:
  ResultPortal(Portal portal, std::unique_ptr<RemoteStream> stream)
      : Portal(std::move(portal)), stream_(std::make_shared<std::unique_ptr<RemoteStream>>(std::move(stream))) {}

  // Its items; once: UsageError when they were taken already. Not a checkpoint.
  Stream<T> result() {
    if (*stream_ == nullptr) {
      throw UsageError("the stream of the one-shot actor \"" + name() +
                       "\" was taken already; subscribe() makes several of one");
    }
    return Stream<T>(std::make_unique<detail::RemoteSource<T>>(std::move(*stream_)));
  }

 private:
  std::shared_ptr<std::unique_ptr<RemoteStream>> stream_;
};

}  // namespace tractor
