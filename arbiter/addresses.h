// The addresses of arbiters, as they are written in RunOptions.arbiter and TRACTOR_ARBITER. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tractor::arbiter {

// One, or several that serve the same view, separated by commas: in the order in which they are tried. UsageError for
// one that does not parse.
std::vector<std::string> parse_addresses(std::string_view text);

}  // namespace tractor::arbiter
