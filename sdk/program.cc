#include "tractor/program.h"

#include <signal.h>

#include <cstdlib>
#include <cstring>
#include <iostream>

#include "runtime/actor/child_main.h"
#include "runtime/process/launcher.h"
#include "runtime/task/scheduler.h"
#include "runtime/wire/error_info.h"
#include "sdk/root.h"

namespace tractor {
namespace {

// What it is and where, its stack trace, and its causes indented below it.
void print_error(const ErrorInfo& error, const std::string& indentation) {
  std::cerr << indentation << RemoteActorError(error).what() << '\n';
  if (!error.relay_path.empty()) {
    std::cerr << indentation << "  came through ";
    for (const ActorRef& hop : error.relay_path)
      std::cerr << (&hop == &error.relay_path.front() ? "" : ", ") << to_string(hop);
    std::cerr << '\n';
  }
  for (const std::string& function : error.stack_trace) std::cerr << indentation << "  at " << function << '\n';
  for (const ErrorInfo& cause : error.causes) print_error(cause, indentation + "  ");
}

}  // namespace

Interrupted::Interrupted(int signal)
    : Error("interrupted by signal " + std::to_string(signal) + " (" + strsignal(signal) + ")"), signal_(signal) {}

Program::Program(int argc, char** argv) : command_line_(argv, argv + argc) {
  open_standard_descriptors();
  die_with_parent_until_served();
}

Program::~Program() = default;

void Program::serve_if_child() {
  if (is_child_process()) run_child(definitions_);
}

void Program::run_root(const RunOptions& options, const std::function<void()>& main) {
  serve_if_child();
  tractor::run_root(definitions_, command_line_, options, HandlesSignals::kYes, main);
}

int Program::run_daemon(const RunOptions& options) {
  return exit_status([&]() -> int {
    try {
      run_root(options, [] { sleep_forever(); });
    } catch (const RemoteCancelled&) {  // as it should end
    }
    return 0;
  });
}

int Program::exit_status(const std::function<int()>& run) {
  constexpr int kUsageError = 2;
  try {
    return run();
  } catch (const Interrupted& e) {
    return 128 + e.signal();
  } catch (const UsageError& e) {
    std::cerr << "tractor: " << e.what() << '\n';
    return kUsageError;
  } catch (...) {
    std::cerr << "tractor: uncaught error\n";
    print_error(error_info(std::current_exception(), {}), "  ");
    return EXIT_FAILURE;
  }
}

}  // namespace tractor
