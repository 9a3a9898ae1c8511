// The root actor of a program, and the arbiter where nobody else is it: what Program and Embedded run.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tractor/program.h"

namespace tractor {

enum class HandlesSignals { kYes, kNo };

// Runs `main` as the root actor on this thread; see Program::run for its end and its errors. With kNo no signal's
// action is changed.
void run_root(const Definitions& definitions, const std::vector<std::string>& command_line, const RunOptions& options,
              HandlesSignals handles_signals, const std::function<void()>& main);

}  // namespace tractor
