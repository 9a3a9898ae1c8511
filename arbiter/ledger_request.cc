#include "arbiter/ledger_request.h"

#include "absl/strings/str_cat.h"
#include "runtime/wire/ledger_event_codec.h"

namespace tractor::arbiter {

v1::LedgerRequest to_request(const LedgerQuery& query, const std::string& actor_namespace) {
  for (const std::string& text : {query.actor, query.tree_id}) {
    if (!is_utf8(text)) throw UsageError("names and ids are valid UTF-8, not " + Value(text).describe());
  }
  if (query.limit == 0 || query.limit > LedgerQuery::kMostLimit)
    throw UsageError(absl::StrCat("LedgerQuery.limit is from 1 to ", LedgerQuery::kMostLimit, ", not ", query.limit));
  v1::LedgerRequest request;
  request.set_namespace_(actor_namespace);
  request.set_actor(query.actor);
  request.set_tree_id(query.tree_id);
  for (const LedgerEvent::Kind kind : query.kinds) request.add_kinds(static_cast<v1::LedgerEventKind>(kind));
  if (query.since) *request.mutable_since() = encode(*query.since);
  if (query.until) *request.mutable_until() = encode(*query.until);
  request.set_limit(static_cast<std::uint32_t>(query.limit));
  return request;
}

LedgerQuery to_query(const v1::LedgerRequest& request) {
  if (request.limit() > LedgerQuery::kMostLimit) {
    throw CallError(ErrorKind::invalid_argument,
                    absl::StrCat("limit: at most ", LedgerQuery::kMostLimit, " events, not ", request.limit()));
  }
  LedgerQuery query{.actor = request.actor(), .tree_id = request.tree_id()};
  for (const int kind : request.kinds()) query.kinds.insert(static_cast<LedgerEvent::Kind>(kind));
  if (request.has_since()) query.since = decode(request.since());
  if (request.has_until()) query.until = decode(request.until());
  if (request.limit() != 0) query.limit = request.limit();
  return query;
}

}  // namespace tractor::arbiter
