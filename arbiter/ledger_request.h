// LedgerQuery to and from its wire form. Any thread.
#pragma once

#include "arbiter/ledger_query.h"
#include "tractor/v1/ledger.pb.h"

namespace tractor::arbiter {

// UsageError for what cannot be asked.
v1::LedgerRequest to_request(const LedgerQuery& query, const std::string& actor_namespace);
// CallError(invalid_argument) for what is more than an answer can have.
LedgerQuery to_query(const v1::LedgerRequest& request);

}  // namespace tractor::arbiter
