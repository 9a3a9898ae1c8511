// Return addresses of the calling stack. Any thread.
#pragma once

#include <cstddef>
#include <span>

namespace tractor {

// Fills `frames`, innermost first, beginning `skip` callers above this function's own; returns how many there are.
// Unwinds by the tables, as a throw does: much code, the standard library's too, keeps no frame pointers. Allocates
// nothing.
std::size_t backtrace(std::span<void*> frames, int skip) noexcept;

}  // namespace tractor
