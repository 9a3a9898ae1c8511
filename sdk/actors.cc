#include "tractor/actors.h"

#include "arbiter/client.h"
#include "runtime/actor/runtime.h"
#include "runtime/process/child.h"
#include "runtime/wire/peer.h"
#include "sdk/arbiter_access.h"
#include "tractor/ledger.h"

namespace tractor {
namespace {

// The process' client, with its warm connection.
std::unique_ptr<arbiter::Client>& client_slot() {
  static std::unique_ptr<arbiter::Client> client;
  return client;
}

arbiter::Client& client() {
  Runtime& runtime = Runtime::current();
  runtime.registrar().wait_removed();
  std::unique_ptr<arbiter::Client>& slot = client_slot();
  if (slot == nullptr) {
    slot = std::make_unique<arbiter::Client>(runtime.wire(), runtime.arbiter_address(),
                                             runtime.supervision().options().actor_namespace);
  }
  return *slot;
}

}  // namespace

Portal portal_to(const ActorInfo& info) {
  Runtime& runtime = Runtime::current();
  const std::shared_ptr<Child> child = runtime.supervision().child_with(info.id);
  if (child != nullptr && child->peer() != nullptr) return {child->peer(), child};  // as if it had been started here
  return {std::make_shared<Peer>(runtime.wire(), ActorRef{.name = info.name, .id = info.id}, info.addresses), nullptr};
}

void close_arbiter_client() { client_slot().reset(); }

const std::string& CurrentActor::name() const { return info().name; }
const std::string& CurrentActor::id() const { return info().id; }
const ActorInfo& CurrentActor::info() const { return Runtime::current().actor().info(); }
std::uint64_t CurrentActor::fencing_token() const { return Runtime::current().registrar().fencing_token(); }
Value::Map& CurrentActor::statespace() const { return Runtime::current().actor().statespace(); }
void CurrentActor::at_exit(std::function<void()> callback) const {
  Runtime::current().actor().at_exit(std::move(callback));
}

void CurrentActor::busy_poll(Clock::duration duration) const {
  if (duration < Clock::duration::zero()) throw UsageError("busy_poll: a duration is not negative");
  Runtime::current().wire().port->set_busy_poll(duration);
}

CurrentActor current_actor() {
  Runtime::current();
  return {};
}

std::optional<Portal> find_actor(const std::string& name, const FindOptions& options) {
  const std::optional<ActorInfo> found = client().pick(name, options);
  if (!found) return std::nullopt;
  return portal_to(*found);
}

std::vector<Portal> find_actors(const std::string& name, const FindOptions& options) {
  std::vector<Portal> portals;
  for (const ActorInfo& info : client().find(name, options)) portals.push_back(portal_to(info));
  return portals;
}

ActorInfo wait_for_actor_info(const std::string& name, const FindOptions& options) {
  return client().wait_for(name, options);
}

Portal wait_for_actor(const std::string& name, const FindOptions& options) {
  return portal_to(wait_for_actor_info(name, options));
}

std::optional<ActorInfo> query_actor(const std::string& name, const FindOptions& options) {
  return client().pick(name, options);
}

bool found_is_stale() { return client().stale(); }

std::vector<ActorInfo> list_actors() { return client().list(); }

std::vector<LedgerEvent> ledger(const LedgerQuery& query) {
  Runtime::current().registrar().wait_recorded();
  return client().ledger(query);
}

Portal get_arbiter() {
  return {std::make_shared<Peer>(Runtime::current().wire(), ActorRef{.name = "arbiter"},
                                 std::vector<std::string>{client().address()}),
          nullptr};
}

}  // namespace tractor
