// A program: its functions and exception types, by name, and the run of its root actor.
//
// Made in main, before any thread is started; they are defined right after, in every process of the program
// alike, because the program is executed again for every child: there, run() and main() never return. Whatever main
// does before them happens in the children, too; serve_if_child() stops that.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "arbiter/exclusive_name.h"
#include "runtime/actor/definitions.h"
#include "runtime/task/error.h"
#include "runtime/wire/address.h"
#include "tractor/actor_nursery.h"
#include "tractor/exceptions.h"
#include "tractor/function.h"

namespace tractor {

struct RunOptions {
  std::string name = "root";
  // Claims the name for this program alone, in its namespace: a singleton of the mesh. run() throws NameTaken at once
  // when another has it (who stands by runs again after a pause), and, after `main` was cancelled, when the claim is
  // lost; CallError (unavailable) when no arbiter grants it within 5 s. Until a holder is told, another may have the
  // name already: protect what they share by current_actor().fencing_token().
  bool exclusive_name = false;
  // Its address; default TRACTOR_ARBITER, else a socket in the runtime directory. Where nobody serves it, this program
  // does. Several, separated by commas, are tried in their order; they serve one view, and this program none.
  std::string arbiter = {};
  // In which its actors find each other; programs of other namespaces do not see them. Default TRACTOR_NAMESPACE, else
  // the nameless one.
  std::string actor_namespace = {};
  std::map<std::string, std::string> labels = {};  // of the root, listed by the arbiter; at most 4096 bytes in all
  Names modules = {};                              // of the root that others may call
  // "host:port" addresses that the root serves besides its unix socket: without one, actors of other hosts cannot call
  // it. "0.0.0.0" and "::" are registered as this host's name. Wants a credential file, or `insecure`.
  Names listen = {};
  std::string credential_file = {};  // holds the token for TCP; default TRACTOR_CREDENTIAL_FILE
  bool insecure = false;             // let callers over TCP in without one
  // Over TCP, who shows no sign of life for so long is unreachable, for all actors of this tree: calls to it fail, and
  // its own end. From 1 s to 24 h. Who computes shows signs of life; who is stopped does not.
  Clock::duration unreachable_after = kUnreachableAfter;
  // Who does not acknowledge for so long that a call was cancelled is given up, for all actors of this tree: the caller
  // gets an error that says that the call's state is unknown. The callee's loop acknowledges, whatever the call does:
  // that takes microseconds, unless a task there computes without a checkpoint, or the machine is overloaded.
  Clock::duration unacknowledged_after = kUnacknowledgedAfter;
};

// A signal ended the program: thrown by run(), after everything was cancelled.
class Interrupted : public Error {
 public:
  explicit Interrupted(int signal);
  int signal() const { return signal_; }

 private:
  int signal_;
};

class Program {
 public:
  Program(int argc, char** argv);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  // Adds functions to a module.
  class Module {
   public:
    // The options are the parameters' names, in order (all, or none), and in_thread. UsageError when the name or the
    // function is taken, for a name that is not letters, digits and _, and for two parameters of one name.
    template <detail::ActorFunction F = detail::OverloadSet, class... Options>
    Module& def(const std::string& name, F function, const Options&... options) {
      table_.add(detail::make_function(name_, name, function, options...));
      return *this;
    }

   private:
    friend class Program;
    Module(FunctionTable& table, std::string name) : table_(table), name_(std::move(name)) {}
    FunctionTable& table_;
    std::string name_;
  };
  Module module(std::string name) { return {definitions_.functions, std::move(name)}; }

  // Registers exception types, which then cross processes as themselves.
  Exceptions exceptions() { return Exceptions(definitions_.exceptions); }

  // Runs `main` as the root actor until it and everything it started have ended; returns its value and throws what it
  // threw. Throws Interrupted after SIGINT, SIGTERM or SIGHUP (a second SIGINT kills at once), RemoteCancelled when
  // another actor cancelled the root, NameTaken when its exclusive name is another's, and UsageError for what is wrong
  // with options, addresses or the runtime directory.
  template <class F, class... A>
  requires(!std::is_same_v<std::decay_t<F>, RunOptions>) auto run(F&& main, A&&... arguments) {
    return run(RunOptions{}, std::forward<F>(main), std::forward<A>(arguments)...);
  }
  template <class F, class... A>
  auto run(const RunOptions& options, F&& main, A&&... arguments) -> std::invoke_result_t<F&, A&...> {
    using R = std::invoke_result_t<F&, A&...>;
    if constexpr (std::is_void_v<R>) {
      run_root(options, [&] { std::invoke(main, arguments...); });
    } else {
      std::optional<R> value;
      run_root(options, [&] { value.emplace(std::invoke(main, arguments...)); });
      return std::move(*value);
    }
  }

  // For the end of int main: runs, prints an uncaught error to stderr and returns the exit status. 0; 1 for an error; 2
  // for a UsageError; 128 + the signal. A main function that returns int has its own status.
  template <class F, class... A>
  requires(!std::is_same_v<std::decay_t<F>, RunOptions>) int main(F&& main_function, A&&... arguments) {
    return main(RunOptions{}, std::forward<F>(main_function), std::forward<A>(arguments)...);
  }
  template <class F, class... A>
  int main(const RunOptions& options, F&& main_function, A&&... arguments) {
    return exit_status([&]() -> int {
      if constexpr (std::is_same_v<std::invoke_result_t<F&, A&...>, int>) {
        return run(options, main_function, arguments...);
      } else {
        run(options, main_function, arguments...);
        return 0;
      }
    });
  }

  // Serves the root's modules until a signal, or another actor's cancel, ends it. Returns the exit status.
  int run_daemon(const RunOptions& options);

  // In a child process: serves and never returns. Elsewhere it does nothing.
  void serve_if_child();

 private:
  friend class Embedded;
  void run_root(const RunOptions& options, const std::function<void()>& main);
  static int exit_status(const std::function<int()>& run);

  Definitions definitions_;
  std::vector<std::string> command_line_;
};

}  // namespace tractor
