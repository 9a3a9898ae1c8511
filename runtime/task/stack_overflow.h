// Says which task overflowed its stack, before the process dies of it.
//
// A task that runs into the guard page below its stack faults; the handler, on a stack of its own, prints the task's
// name and lets the fault happen again under the action that stood before. One for each running scheduler, on its
// thread. Sanitizers report by themselves.
#pragma once

#include <signal.h>

#include <memory>

namespace tractor {

class StackOverflowReports {
 public:
  StackOverflowReports();
  StackOverflowReports(const StackOverflowReports&) = delete;
  StackOverflowReports& operator=(const StackOverflowReports&) = delete;
  ~StackOverflowReports();

 private:
  std::unique_ptr<char[]> signal_stack_;  // null when the thread had one already
};

}  // namespace tractor
