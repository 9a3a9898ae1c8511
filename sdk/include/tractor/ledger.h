// The ledger: what became of actors, as their arbiter has gathered it.
//
//   for (const tractor::LedgerEvent& event : tractor::ledger({.actor = "worker"}))
//     std::cout << tractor::to_string(event) << '\n';
//
// It is told that an actor was spawned, serves, was cancelled (by whom), failed, was restarted and has ended, and of
// calls that failed. Events are in the order of hybrid logical clocks: what happened because of something else comes
// after it, on whatever hosts, and however wrong their clocks are. An arbiter keeps the newest 10,000; tractor-arbiter
// --ledger DIR those that fit into files. What happens while no arbiter is there is told when one is back. A root finds
// what it has seen itself: its own children's lives; what others have seen comes when it comes.
#pragma once

#include <string>
#include <vector>

#include "arbiter/ledger_query.h"

namespace tractor {

// Of this program's namespace; of several arbiters, what each has. UsageError when `limit` is 0 or over 10,000. A
// checkpoint; throws RemoteActorError (unavailable) when no arbiter answers. Loop thread only.
std::vector<LedgerEvent> ledger(const LedgerQuery& query = {});

}  // namespace tractor
