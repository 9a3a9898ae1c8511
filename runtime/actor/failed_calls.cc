#include "runtime/actor/failed_calls.h"

#include <utility>

namespace tractor {

std::uint32_t FailedCalls::add(const std::string& function, Clock::time_point now) {
  const auto [entry, is_new] = told_.try_emplace(function, Told{.at = now});
  Told& told = entry->second;
  if (!is_new && now - told.at < kInterval) {
    ++told.failed_since;
    return 0;
  }
  told.at = now;
  return std::exchange(told.failed_since, 0) + 1;
}

}  // namespace tractor
