// An actor nursery: the block that owns child actors, each a process of its own.
//
// It ends when its body has ended and all its children have: one-shot actors (run_in_actor) when their function
// returned, daemons (start_actor) when they were cancelled. The first failure, of the body or of any child, cancels the
// rest at once and is thrown by open_nursery; several become an ExceptionGroup. Cancelling is graceful within each
// child's budget; then it is killed, and everything below it. Whatever happens, no process is left. Lives on the
// opener's stack; loop thread only. Common mistake: capturing the body's locals by reference in tasks or children; the
// body is over before they are.
#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/actor/nursery_core.h"
#include "tractor/portal.h"

namespace tractor {

// A list of names that designated initializers can fill: {.modules = {"cinema", "scene"}}.
class Names {
 public:
  Names() = default;
  Names(std::initializer_list<const char*> names) : names_(names.begin(), names.end()) {}
  Names(std::vector<std::string> names) : names_(std::move(names)) {}
  const std::vector<std::string>& get() const { return names_; }

 private:
  std::vector<std::string> names_;
};

struct ActorOptions {
  Names modules = {};                              // whose functions others may call there
  Value::Map statespace = {};                      // what its current_actor().statespace() starts with
  std::map<std::string, std::string> labels = {};  // listed by the arbiter; at most 4096 bytes in all
  Clock::duration budget = kDefaultBudget;         // to end when cancelled, before it is killed
};

class ActorNursery {
 public:
  // Starts an actor that runs one function, whose module is enabled there, and returns when it serves. Throws what kept
  // it from starting: exit status or signal and the end of its stderr; UsageError for a function that is not defined or
  // a name that cannot be one; CallError for an argument that cannot travel. A checkpoint.
  template <detail::ActorFunction F, class... A>
  requires(!std::is_same_v<F, ActorOptions>) auto run_in_actor(std::string name, F function, const A&... arguments) {
    return run_in_actor(std::move(name), ActorOptions{}, function, arguments...);
  }
  template <detail::ActorFunction F, class... A>
  auto run_in_actor(std::string name, ActorOptions options, F function, const A&... arguments) {
    using T = detail::Traits<F>;
    static_assert(T::kKind != FunctionKind::dialog,
                  "a function that takes a Context is called by open_context() on the portal of start_actor()");
    const Function& known = detail::defined(detail::function_key(function));
    Value::List encoded = detail::encode_arguments(known, typename T::Parameters(), arguments...);
    if constexpr (T::kKind == FunctionKind::generator) {
      auto [portal, stream] = start_generator(std::move(name), std::move(options), known, std::move(encoded));
      return ResultPortal<typename T::Called>(std::move(portal), std::move(stream));
    } else {
      return ResultPortal<typename T::Called>(
          start(std::move(name), std::move(options), known.qualified_name, std::move(encoded)));
    }
  }

  // Starts an actor that serves the functions of its modules until it is cancelled; returns when it serves, throws as
  // run_in_actor. A checkpoint.
  Portal start_actor(std::string name, ActorOptions options = {}) {
    return start(std::move(name), std::move(options), std::nullopt, {});
  }

  // Cancels all children and the body. Not a checkpoint.
  void cancel() { core_.cancel(); }
  // Whether it was: by cancel(), by a failure, or by a scope around it. May be asked afterwards.
  bool cancelled() const { return core_.cancelled(); }

 private:
  template <class F>
  friend auto open_nursery(ActorNursery& nursery, F&& body);

  Portal start(std::string name, ActorOptions options, std::optional<std::string> function, Value::List arguments);
  std::pair<Portal, std::unique_ptr<RemoteStream>> start_generator(std::string name, ActorOptions options,
                                                                   const Function& function, Value::List arguments);

  NurseryCore core_;
};

// Runs `body` with the nursery open; returns the body's value and throws what failed; NurseryCancelled when a body that
// should return a value was cut short from inside. A nursery is opened once: UsageError the second time. A checkpoint.
template <class F>
auto open_nursery(ActorNursery& nursery, F&& body) {
  return nursery.core_.run(std::forward<F>(body));
}

// The same with a nursery of its own, which is given to the body.
template <class F>
requires std::is_invocable_v<F&, ActorNursery&>
auto open_nursery(F&& body) {
  ActorNursery nursery;
  return open_nursery(nursery, [&] { return body(nursery); });
}

}  // namespace tractor
