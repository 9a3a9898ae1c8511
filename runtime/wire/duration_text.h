// A duration in a message: "1.5s". Any thread.
#pragma once

#include <string>

#include "runtime/task/clock.h"

namespace tractor {

std::string duration_text(Clock::duration duration);

}  // namespace tractor
