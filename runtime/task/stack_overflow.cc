#include "runtime/task/stack_overflow.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <mutex>

#include "runtime/task/sanitizers.h"
#include "runtime/task/scheduler_state.h"

namespace tractor {

namespace {

constexpr std::size_t kSignalStack = 64 * 1024;

struct sigaction before;

void on_fault(int signal, siginfo_t* info, void* /*context*/) {
  const Task* task = Task::try_current();
  if (task != nullptr && task->is_below_stack(info->si_addr)) {
    char text[256];
    const int length = task->print_overflow(text, sizeof text);
    if (length > 0 && ::write(STDERR_FILENO, text, static_cast<std::size_t>(length)) < 0) ::_exit(1);
  }
  // Returning repeats the faulting instruction, but not a signal that somebody sent; whoever was here first sees either
  // as if we had not been.
  ::sigaction(signal, &before, nullptr);
  if (info->si_code <= 0) ::raise(signal);
}

void install_handler() {
  struct sigaction action = {};
  action.sa_sigaction = &on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGSEGV, &action, &before);
}

}  // namespace

StackOverflowReports::StackOverflowReports() {
  if constexpr (kSanitized) return;
  static std::once_flag once;
  std::call_once(once, install_handler);
  stack_t present = {};
  if (::sigaltstack(nullptr, &present) != 0 || (present.ss_flags & SS_DISABLE) == 0) return;
  signal_stack_ = std::make_unique_for_overwrite<char[]>(kSignalStack);
  stack_t mine = {};
  mine.ss_sp = signal_stack_.get();
  mine.ss_size = kSignalStack;
  ::sigaltstack(&mine, nullptr);
}

StackOverflowReports::~StackOverflowReports() {
  if (!signal_stack_) return;
  stack_t none = {};
  none.ss_flags = SS_DISABLE;
  ::sigaltstack(&none, nullptr);
}

}  // namespace tractor
