// A supervisor: the block that owns child actors and starts them again when they end, as Erlang/OTP's supervisors do.
//
//   tractor::Supervisor supervisor({.strategy = tractor::Strategy::rest_for_one, .intensity = 3});
//   supervisor.add("store", {.modules = {"store"}});
//   supervisor.add("pump", {.restart = tractor::Restart::transient}, pump, 16);
//   tractor::open_nursery(supervisor, [&] { supervisor.portal("store").run(put, "key", 1); });
//
// Children are started left to right, in the order of add(), before the body runs, and are stopped right to left, one
// at a time, when it has ended, however it did. A child that ends is started again as its Restart and the Strategy say;
// when that happens more often than `intensity` times within `period` (OTP's defaults: once within 5 s), the supervisor
// cancels the body, stops the others, and open_nursery throws a SupervisorError that names the child, with its last
// failure nested. A body that fails stops them, too. Failures that are answered with a restart go to the log; an
// error of a child that is being stopped at the end is thrown.
//
// A child may itself open a supervisor in its process; give it ChildType::supervisor. Lives on the opener's stack; loop
// thread only; opened once. A plain nursery, where one failure cancels all, is actor_nursery.h. Common mistake: keeping
// a child's portal. Its next incarnation is another actor: ask portal(name) again, or keep a NamedPortal.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/actor/restart_plan.h"
#include "runtime/actor/supervisor_core.h"
#include "tractor/actor_nursery.h"
#include "tractor/portal.h"

namespace tractor {

// How long a child has to end when it is stopped: as long as it takes, or no time: it is killed.
inline constexpr Clock::duration kUntilItEnds = Clock::duration::max();
inline constexpr Clock::duration kBrutalKill = Clock::duration::zero();

namespace detail {

// The first of a function's parameters: those that the kind of a simple_one_for_one gives arguments for.
template <std::size_t... I, class... P>
Types<std::tuple_element_t<I, std::tuple<P...>>...> leading(std::index_sequence<I...> /*which*/,
                                                            Types<P...> /*parameters*/);
template <std::size_t kCount, class... P>
constexpr auto leading_parameters(Types<P...> all) {
  if constexpr (kCount < sizeof...(P)) {
    return decltype(leading(std::make_index_sequence<kCount>(), all))();
  } else {
    return all;
  }
}

}  // namespace detail

struct ChildOptions {
  Restart restart = Restart::permanent;
  // Before it is killed; by default 5 s, and kUntilItEnds for a supervisor, which stops its own children first.
  std::optional<Clock::duration> shutdown = {};
  bool significant = false;  // its end may end the supervisor: SupervisorOptions.auto_shutdown
  ChildType type = ChildType::worker;
  Names modules = {};  // as those of ActorOptions
  Value::Map statespace = {};
  std::map<std::string, std::string> labels = {};
};

class Supervisor {
 public:
  // UsageError when a number makes no sense.
  explicit Supervisor(SupervisorOptions options = {}) : core_(std::move(options)) {}

  // --- before it is opened ---
  // Adds a child to the right of the others: an actor that serves the functions of its modules. Of a simple_one_for_one
  // supervisor it is the kind of all children; none of them runs before start_child().
  // UsageError when the supervisor is open, the name is taken, a module is unknown, or `shutdown` is negative.
  Supervisor& add(std::string name, ChildOptions options = {}) {
    core_.add(spec(std::move(name), std::move(options)));
    return *this;
  }
  // The same of an actor that runs one function. That it returns is a normal end: a permanent child is started again,
  // a transient one is not. The kind of a simple_one_for_one may leave the last arguments to start_child().
  template <detail::ActorFunction F, class... A>
  Supervisor& add(std::string name, ChildOptions options, F function, const A&... arguments) {
    core_.add(spec(std::move(name), std::move(options), function, arguments...));
    return *this;
  }
  template <detail::ActorFunction F, class... A>
  requires(!std::is_same_v<F, ChildOptions>) Supervisor& add(std::string name, F function, const A&... arguments) {
    return add(std::move(name), ChildOptions{}, function, arguments...);
  }

  // --- while it supervises: checkpoints, UsageError at any other time and for a name that is no child's ---
  // Adds a child, and starts it; throws what kept it from that, and then it is not added.
  Portal start_child(std::string name, ChildOptions options) {
    return portal_of(core_.start_child(spec(std::move(name), std::move(options))));
  }
  template <detail::ActorFunction F, class... A>
  Portal start_child(std::string name, ChildOptions options, F function, const A&... arguments) {
    return portal_of(core_.start_child(spec(std::move(name), std::move(options), function, arguments...)));
  }
  // Starts another child of a simple_one_for_one supervisor. The arguments come after those that add() gave.
  template <Argument... A>
  Portal start_child(const std::string& name, const A&... more_arguments) {
    return portal_of(core_.start_another(name, detail::encode_arguments(name, more_arguments...)));
  }
  // Stops a child, which is not started again by itself; its specification stays, unless it is temporary or of a
  // simple_one_for_one. Throws what it failed with when it was stopped. A restart of its group starts it, too.
  void terminate_child(const std::string& name) { core_.terminate_child(name); }
  // Starts one that was terminated, or has ended; throws what kept it from that.
  Portal restart_child(const std::string& name) { return portal_of(core_.restart_child(name)); }
  // Forgets one that was terminated, or has ended.
  void delete_child(const std::string& name) { core_.delete_child(name); }

  // The child's portal as it runs now; waits while it is being restarted, and throws SupervisorError when it will not
  // come back.
  Portal portal(const std::string& name) { return portal_of(core_.wait_for(name)); }

  // --- at any time, not checkpoints ---
  // Left to right.
  std::vector<SupervisedChild> which_children() const { return core_.which_children(); }
  ChildCounts count_children() const { return core_.count_children(); }

  // Stops the children and cancels the body.
  void cancel() { core_.cancel(); }
  // Whether that was: by cancel(), by a failure, by the end of significant children, or by a scope around it. May be
  // asked afterwards.
  bool cancelled() const { return core_.cancelled(); }
  // Whether significant children have ended it, as SupervisorOptions.auto_shutdown says.
  bool shut_down() const { return core_.shut_down(); }

 private:
  template <class F>
  friend auto open_nursery(Supervisor& supervisor, F&& body);

  static SupervisedSpec spec(std::string name, ChildOptions options);
  template <detail::ActorFunction F, class... A>
  static SupervisedSpec spec(std::string name, ChildOptions options, F function, const A&... arguments) {
    using T = detail::Traits<F>;
    static_assert(T::kKind == FunctionKind::unary,
                  "a supervised function is one that returns: call generators and dialogs on the portal of a child "
                  "that serves their module");
    const Function& known = detail::defined(detail::function_key(function));
    SupervisedSpec made = spec(std::move(name), std::move(options));
    made.child.function = known.qualified_name;
    made.child.arguments = detail::encode_arguments(
        known, detail::leading_parameters<sizeof...(A)>(typename T::Parameters()), arguments...);
    return made;
  }
  static Portal portal_of(const std::shared_ptr<Child>& child);

  SupervisorCore core_;
};

// Runs `body` while `supervisor` supervises; returns the body's value and throws what failed: the body, a child that
// cannot be started at the beginning (those that were started are stopped then), or the supervisor. One that
// significant children have ended throws nothing; a body that should return a value throws NurseryCancelled then. A
// checkpoint.
template <class F>
auto open_nursery(Supervisor& supervisor, F&& body) {
  return supervisor.core_.run(std::forward<F>(body));
}

}  // namespace tractor
