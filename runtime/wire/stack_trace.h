// Stack traces with function names. Any thread.
#pragma once

#include <exception>
#include <span>
#include <string>
#include <vector>

namespace tractor {

// Names for return addresses, innermost first, down to where the library called the program's code: "scene::hi()",
// without parameters' types; "libm.so.6+0x1f2a" where the file has no symbols.
std::vector<std::string> function_names(std::span<void* const> return_addresses);

// Where an exception was thrown; empty when that is not known.
std::vector<std::string> stack_trace(const std::exception_ptr& error);

}  // namespace tractor
