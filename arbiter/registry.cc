#include "arbiter/registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/log.h"
#include "runtime/wire/identity.h"

namespace tractor::arbiter {
namespace {

// How often it is looked for expired leases while there are any that can expire; and when that was not done for so long
// that this process did not run.
constexpr Clock::duration kLook = std::chrono::milliseconds(500);
constexpr Clock::duration kStall = 2 * kLook;

}  // namespace

Registry::Registry(std::size_t log_capacity) : epoch_(random_id()), view_(log_capacity) {}

void Registry::start(TaskNursery& nursery, CompletionQueuePort& /*port*/) { start(nursery); }

void Registry::start(TaskNursery& nursery) {
  started_ = true;
  looked_ = Clock::now();
  nursery.start_named("leases", [this] {
    while (true) {
      const Clock::time_point next = next_expiry();
      move_on_at(expiries_.empty() ? next : std::min(next, deadline_after(kLook)), [&] {
        opened_.wait_until("a lease to expire", [&] { return next_expiry() < next; });  // renewing only postpones
      });
      throw_if_cancelled();
      expire();
    }
  });
}

View& Registry::view() {
  expire();
  return view_;
}

Store::Holder Registry::open(const std::string& actor_namespace, Clock::duration ttl,
                             std::function<void()> on_expired) {
  const Holder holder = ++last_holder_;
  leases_.emplace(holder, Lease{.actor_namespace = actor_namespace, .ttl = ttl, .on_expired = std::move(on_expired)});
  used(holder);
  opened_.notify();
  return holder;
}

// Whatever a holder does is a sign of life.
Registry::Lease& Registry::used(Holder holder) {
  expire();
  const auto lease = leases_.find(holder);
  if (lease == leases_.end()) throw LeaseExpired();
  if (lease->second.ttl > Clock::duration::zero()) {
    expiries_.erase({lease->second.expires, holder});
    lease->second.expires = deadline_after(lease->second.ttl);
    expiries_.emplace(lease->second.expires, holder);
  }
  return lease->second;
}

std::uint64_t Registry::add(Holder holder, ActorInfo actor) {
  Lease& lease = used(holder);
  const auto old = view_.by_id(lease.actor_namespace, actor.id);
  if (old && old->actor->incarnation > actor.incarnation) throw OlderIncarnation(actor, old->actor->incarnation);
  std::uint64_t token = 0;
  if (actor.exclusive) {
    if (old && old->actor->name == actor.name) token = leases_.at(old->holder).actors.at(actor.id);
    if (token == 0) token = new_claim(lease.actor_namespace, actor);
  }
  if (old) leases_.at(old->holder).actors.erase(actor.id);
  lease.actors.emplace(actor.id, token);
  apply({{.actor_namespace = lease.actor_namespace,
          .added = std::make_shared<const ActorInfo>(std::move(actor)),
          .removed_id = {},
          .holder = holder}});
  return token;
}

// The clock, so that tokens grow also when the arbiter starts anew.
std::uint64_t Registry::new_claim(const std::string& actor_namespace, const ActorInfo& actor) {
  for (const View::Found& found : view_.find(actor_namespace, actor.name)) {
    if (found.actor->exclusive && found.actor->id != actor.id) throw NameClaimed(*found.actor);
  }
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return last_token_ = std::max(last_token_ + 1, static_cast<std::uint64_t>(now / std::chrono::microseconds(1)));
}

void Registry::remove(Holder holder, const std::string& actor_id) {
  Lease& lease = used(holder);
  if (lease.actors.erase(actor_id) == 0) return;
  apply({{.actor_namespace = lease.actor_namespace, .added = nullptr, .removed_id = actor_id}});
}

void Registry::renew(Holder holder, const std::map<std::string, std::uint32_t>& calls_in_flight,
                     std::function<void()> renewed) {
  const Lease& lease = used(holder);
  for (const auto& [id, token] : lease.actors) {
    const auto calls = calls_in_flight.find(id);
    view_.set_load(lease.actor_namespace, id, calls == calls_in_flight.end() ? 0 : calls->second);
  }
  renewed();
}

void Registry::drop(Holder holder) {
  const auto lease = leases_.find(holder);
  if (lease == leases_.end()) return;
  std::vector<View::Change> changes;
  for (const auto& [id, token] : lease->second.actors)
    changes.push_back({.actor_namespace = lease->second.actor_namespace, .added = nullptr, .removed_id = id});
  expiries_.erase({lease->second.expires, holder});
  leases_.erase(lease);
  if (!changes.empty()) apply(changes);
}

void Registry::abandon(Holder holder) {
  const auto lease = leases_.find(holder);
  if (lease == leases_.end()) return;
  lease->second.on_expired = nullptr;
  if (lease->second.ttl == Clock::duration::zero()) drop(holder);
}

Clock::time_point Registry::next_expiry() const { return expiries_.empty() ? Clock::kNever : expiries_.begin()->first; }

void Registry::expire() {
  const Clock::time_point now = Clock::now();
  const Clock::duration since = now - std::exchange(looked_, now);
  if (started_ && since > kStall) postpone(since);
  while (next_expiry() <= Clock::now()) {
    const Holder holder = expiries_.begin()->second;
    Lease& lease = leases_.at(holder);
    if (!lease.actors.empty()) log::info(absl::StrCat("a lease has expired, with ", lease.actors.size(), " actors"));
    const std::function<void()> on_expired = std::move(lease.on_expired);
    drop(holder);
    if (on_expired) on_expired();
  }
}

void Registry::postpone(Clock::duration by) {
  expiries_.clear();
  for (auto& [holder, lease] : leases_) {
    if (lease.expires == Clock::kNever) continue;
    lease.expires += by;
    expiries_.emplace(lease.expires, holder);
  }
}

void Registry::apply(const std::vector<View::Change>& changes) {
  view_.apply(changes, view_.revision() + 1);
  changed().notify();
}

}  // namespace tractor::arbiter
