// Where an exception was thrown: return addresses, taken by the library's own __cxa_throw while the stack still stands.
//
// Taken on tasks and worker threads only, and not for Cancelled, which must stay cheap. They are kept beside the
// exception object until that is destroyed; the same object, rethrown or held by several exception_ptr, has one trace.
// Any thread. runtime/wire/stack_trace.h makes names of them.
#pragma once

#include <exception>
#include <vector>

namespace tractor {

// Innermost first; empty when none was taken (std::make_exception_ptr throws nothing).
std::vector<void*> throw_trace(const std::exception_ptr& error);

// From now on those of this thread, which runs no tasks, are taken too.
void take_throw_traces_here() noexcept;

}  // namespace tractor
