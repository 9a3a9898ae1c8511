// The stack of another thread, which does not answer: what a stuck loop is doing.
#pragma once

#include <pthread.h>

#include <vector>

namespace tractor {

// Return addresses, innermost first; empty when the thread does not take the signal (SIGURG, which programs ignore)
// within 100 ms. Any thread but that one; a system call there may be interrupted.
std::vector<void*> stack_of(pthread_t thread);

}  // namespace tractor
