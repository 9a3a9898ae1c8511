// An actor inside a service that owns its main loop: it lives on a thread of its own, and the service's other threads
// hand it functions to run.
//
//   tractor::Embedded runtime(program, {.name = "gateway"});
//   int sum = runtime.run([&] { return tractor::find_actor("adder")->run(add, 1, 2); });   // on any thread
//
// One per process at a time, instead of Program::run. It installs no signal handlers, and the signals of the service
// are not delivered to its threads. While it has child actors, the process adopts the orphans below it
// (PR_SET_CHILD_SUBREAPER); from the first on, SIGCHLD is not ignored any more, if it was. A child process never
// returns from the constructor, so make it, or call serve_if_child(), before the service has side effects. All
// functions may be called from any thread but the actor's own and its worker threads. Common mistake: a thread that is
// blocked in run() and joined before stop() was called.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "tractor/program.h"

namespace tractor {

class Embedded {
 public:
  // Returns when the actor serves; throws what keeps it from that (see Program::run). `program` outlives it.
  explicit Embedded(Program& program, const RunOptions& options = {});
  Embedded(const Embedded&) = delete;
  Embedded& operator=(const Embedded&) = delete;
  // As stop().
  ~Embedded();

  // Runs fn(args...) as a task of the actor, where the whole API works, and blocks the calling thread until it has
  // ended; returns its value or throws what it threw, which concerns nobody else. Throws NurseryCancelled when stop()
  // cut it short or came before, RemoteCancelled when another actor cancelled this one, and UsageError in the actor's
  // own tasks.
  template <class F, class... A>
  auto run(F&& fn, A&&... args) {
    using R = std::invoke_result_t<F&, A&...>;
    if constexpr (std::is_void_v<R>) {
      run_task([&] { std::invoke(fn, args...); });
    } else {
      std::optional<R> value;
      run_task([&] { value.emplace(std::invoke(fn, args...)); });
      return std::move(*value);
    }
  }

  // Cancels everything that runs there, its children too, and returns when all has ended, within kDefaultBudget.
  // Idempotent.
  void stop();

 private:
  void run_task(const std::function<void()>& task);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tractor
