// What is asked of the ledger. Plain data, any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <set>
#include <string>

#include "runtime/wire/ledger_event.h"

namespace tractor {

// All that are given must hold.
struct LedgerQuery {
  static constexpr std::size_t kMostLimit = 10'000;

  std::string actor = {};                  // an id, or a name
  std::string tree_id = {};                // the id of the tree's root
  std::set<LedgerEvent::Kind> kinds = {};  // one of these; empty: all
  // By the events' clocks, which are ahead of a host's when that is behind others.
  std::optional<std::chrono::system_clock::time_point> since = {};
  std::optional<std::chrono::system_clock::time_point> until = {};  // and before this
  std::size_t limit = 1'000;  // the newest so many; for older ones ask again, `until` the first of these
};

}  // namespace tractor
