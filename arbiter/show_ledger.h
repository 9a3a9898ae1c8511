// Asks an arbiter for its ledger, for people and scripts: what `tractor-arbiter --events ADDRESS` does. Needs no
// running actor; blocks for at most `timeout`.
#pragma once

#include <chrono>
#include <iosfwd>
#include <string>

#include "arbiter/ledger_query.h"

namespace tractor::arbiter {

struct LedgerQuestion {
  LedgerQuery query = {};
  std::string actor_namespace = {};
  std::string bearer_token = {};  // shown over TCP
  bool json = false;              // one tractor.v1.LedgerEvent a line, as protobuf's JSON; else to_string(LedgerEvent)
};

// Writes one event a line, oldest first; to `notes`, that there are older ones. UsageError when the address does not
// parse; Error when the arbiter does not answer, or does not like the question.
void show_ledger(const std::string& address, const LedgerQuestion& question, std::chrono::milliseconds timeout,
                 std::ostream& out, std::ostream& notes);

}  // namespace tractor::arbiter
