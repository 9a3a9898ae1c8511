// Which failed calls the ledger is told of: the first of a function, then, as long as it goes on failing, one a second
// with the number of those in between. Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "runtime/task/clock.h"

namespace tractor {

class FailedCalls {
 public:
  static constexpr Clock::duration kInterval = std::chrono::seconds(1);

  // A call has failed: how many are to be told of now, this one among them; 0: none. An empty function is one that was
  // not found.
  std::uint32_t add(const std::string& function, Clock::time_point now);

 private:
  struct Told {
    Clock::time_point at;
    std::uint32_t failed_since = 0;
  };
  std::map<std::string, Told> told_;  // by function
};

}  // namespace tractor
