#include "tractor/program.h"

#include <signal.h>

#include <cstdlib>
#include <cstring>
#include <iostream>

#include "runtime/actor/child_main.h"
#include "runtime/process/launcher.h"
#include "runtime/task/scheduler.h"
#include "sdk/root.h"

namespace tractor {
namespace {

// One line for each error, members of groups indented below theirs.
void print_error(const std::exception_ptr& error, const std::string& indentation) {
  std::cerr << indentation << type_name_of(error) << ": " << describe(error) << '\n';
  try {
    std::rethrow_exception(error);
  } catch (const ExceptionGroup& group) {
    for (const std::exception_ptr& member : group.exceptions()) print_error(member, indentation + "  ");
  } catch (...) {
  }
}

}  // namespace

Interrupted::Interrupted(int signal)
    : Error("interrupted by signal " + std::to_string(signal) + " (" + strsignal(signal) + ")"), signal_(signal) {}

Program::Program(int argc, char** argv) : command_line_(argv, argv + argc) { open_standard_descriptors(); }

Program::~Program() = default;

void Program::serve_if_child() {
  if (is_child_process()) run_child(table_);
}

void Program::run_root(const RunOptions& options, const std::function<void()>& main) {
  serve_if_child();
  tractor::run_root(table_, command_line_, options, HandlesSignals::kYes, main);
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
    print_error(std::current_exception(), "  ");
    return EXIT_FAILURE;
  }
}

}  // namespace tractor
