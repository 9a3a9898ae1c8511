#include "arbiter/check.h"

#include "absl/strings/str_cat.h"
#include "runtime/actor/actor.h"
#include "runtime/task/error.h"
#include "runtime/wire/duration_text.h"

namespace tractor::arbiter {

void check_actor(const ActorInfo& actor) {
  check_actor_name(actor.name);
  if (actor.id.empty()) throw UsageError(absl::StrCat("actor \"", actor.name, "\" needs an id to be registered"));
  check_short_text("an actor's id", actor.id);
  check_labels(actor.labels);
  if (actor.addresses.empty())
    throw UsageError(
        absl::StrCat("actor \"", actor.name, "\" needs an address to be registered: nobody could call it"));
  for (const std::string& text : actor.addresses)
    check_has_port(parse_address(text), absl::StrCat("the address \"", text, "\" of actor \"", actor.name, "\""));
}

void check_has_port(const Address& address, const std::string& what) {
  if (address.kind == Address::Kind::tcp && address.port == 0)
    throw UsageError(absl::StrCat(what, " needs a port: others must know it"));
}

void check_namespace(const std::string& actor_namespace) { check_short_text("a namespace", actor_namespace); }

void check_tree_id(const std::string& tree_id) { check_short_text("a tree's id", tree_id); }

void check_ttl(Clock::duration ttl) {
  if (ttl >= std::chrono::seconds(1) && ttl <= std::chrono::hours(24)) return;
  throw UsageError(absl::StrCat("a registration's time to live is from 1 s to 24 h, not ", duration_text(ttl)));
}

}  // namespace tractor::arbiter
