#include "arbiter/etcd_store.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/log.h"
#include "runtime/wire/actor_info_codec.h"

namespace tractor::arbiter {
namespace {

// Of a holder on this arbiter's host, whose end is noticed at once: how long its registrations outlive the arbiter.
constexpr Clock::duration kLocalTtl = std::chrono::seconds(10);
// All leases are renewed once in that time, if something is to be renewed; none is so short that one late renewal ends
// it.
constexpr Clock::duration kRenewal = std::chrono::seconds(1);
constexpr Clock::duration kShortestTtl = 5 * kRenewal;
// How long what was written may take to be seen: longer than it takes to notice that the member that tells of changes
// is silent, and to go to another.
constexpr Clock::duration kSeenTimeout = std::chrono::seconds(10);
// Of a transaction that others get in the way of.
constexpr int kAttempts = 10;

}  // namespace

EtcdStore::EtcdStore(std::vector<std::string> endpoints, Clock::duration start_timeout)
    : endpoints_(std::move(endpoints)), start_timeout_(start_timeout) {}

EtcdStore::~EtcdStore() = default;

void EtcdStore::start(TaskNursery& nursery, CompletionQueuePort& port) {
  nursery_ = &nursery;
  client_ = std::make_unique<EtcdClient>(endpoints_, port);
  follower_ = std::make_unique<EtcdView>(
      *client_, view_, [this] { changed().notify(); }, [this] { end_all_leases(); });
  follower_->read_first(start_timeout_);
  nursery.start_named("etcd view", [this] { follower_->follow(); });
  nursery.start_named("etcd leases", [this] { keep_leases_alive(); });
}

void EtcdStore::check_not_stale() const {
  if (!stale()) return;
  throw CallError(ErrorKind::unavailable, absl::StrCat("the arbiter's store, etcd at ", absl::StrJoin(endpoints_, ","),
                                                       ", is away: nobody can be registered until it is back"));
}

Store::Holder EtcdStore::open(const std::string& actor_namespace, Clock::duration ttl,
                              std::function<void()> on_expired) {
  check_not_stale();
  const bool while_connected = ttl == Clock::duration::zero();
  const auto holder = static_cast<Holder>(client_->grant(lease(ttl)).id());
  leases_.emplace(holder, Lease{.actor_namespace = actor_namespace,
                                .while_connected = while_connected,
                                .on_expired = std::move(on_expired)});
  return holder;
}

Clock::duration EtcdStore::lease(Clock::duration ttl) const {
  return ttl == Clock::duration::zero() ? kLocalTtl : std::max(ttl, kShortestTtl);
}

EtcdStore::Lease& EtcdStore::used(Holder holder) {
  const auto lease = leases_.find(holder);
  if (lease == leases_.end()) throw LeaseExpired();
  lease->second.heard_of = true;
  return lease->second;
}

std::uint64_t EtcdStore::add(Holder holder, ActorInfo actor) {
  check_not_stale();
  const std::string& actor_namespace = used(holder).actor_namespace;
  std::vector<std::string> keys = {actor_key(actor_namespace, actor.id)};
  if (actor.exclusive) keys.push_back(claim_key(actor_namespace, actor.name));
  etcdserverpb::TxnRequest request;
  for (const std::string& key : keys) {
    etcdserverpb::Compare& unchanged = *request.add_compare();
    unchanged.set_target(etcdserverpb::Compare::MOD);
    unchanged.set_key(key);
    unchanged.set_mod_revision(0);  // there is none
    etcdserverpb::PutRequest& put = *request.add_success()->mutable_request_put();
    put.set_key(key);
    put.set_lease(static_cast<std::int64_t>(holder));
    encode(actor).SerializeToString(put.mutable_value());
    request.add_failure()->mutable_request_range()->set_key(key);
  }
  const std::vector<std::string> before = used(holder).actors[actor.id];
  std::vector<std::string> all = keys;
  for (const std::string& key : before) {  // under another name
    if (std::ranges::count(keys, key)) continue;
    request.add_success()->mutable_request_delete_range()->set_key(key);
    all.push_back(key);
  }
  // Known before it is asked for: it may be done though no answer comes.
  used(holder).actors[actor.id] = std::move(all);
  const auto was_refused = [&] {
    const auto lease = leases_.find(holder);
    if (lease == leases_.end()) return;
    if (before.empty()) {
      lease->second.actors.erase(actor.id);
    } else {
      lease->second.actors[actor.id] = before;
    }
  };
  std::int64_t claimed_at = 0;  // the claim's first revision, which is the token
  for (int i = 0; i < kAttempts; ++i) {
    etcdserverpb::TxnResponse response;
    try {
      response = client_->transact(request);
    } catch (const CallError& e) {
      if (e.kind() != ErrorKind::not_found) throw;
      expired(holder);
      throw LeaseExpired();
    }
    if (response.succeeded()) {
      used(holder).actors[actor.id] = std::move(keys);
      wait_until_seen(response.header().revision());
      if (!actor.exclusive) return 0;
      return static_cast<std::uint64_t>(claimed_at != 0 ? claimed_at : response.header().revision());
    }
    for (int k = 0; k < response.responses_size(); ++k) {
      const auto& found = response.responses(k).response_range().kvs();
      request.mutable_compare(k)->set_mod_revision(found.empty() ? 0 : found[0].mod_revision());
      const bool is_claim = k == 1;
      if (is_claim) claimed_at = found.empty() ? 0 : found[0].create_revision();
      v1::Registration old;
      if (found.empty() || !old.ParseFromString(found[0].value())) continue;
      const bool other_has_it = is_claim && old.actor_id() != actor.id;
      const bool other_is_newer = !is_claim && old.incarnation() > actor.incarnation;
      if (other_has_it || other_is_newer) was_refused();
      if (other_has_it) throw NameClaimed(decode(old));
      if (other_is_newer) throw OlderIncarnation(actor, old.incarnation());
    }
  }
  was_refused();
  throw CallError(ErrorKind::unavailable, absl::StrCat("actor ", actor.id, " is being registered elsewhere, too"));
}

void EtcdStore::remove(Holder holder, const std::string& actor_id) {
  const auto actor = used(holder).actors.extract(actor_id);
  if (actor.empty()) return;
  try {
    erase(holder, actor.mapped());
  } catch (const CallError& e) {
    log::warning(absl::StrCat("an actor is unregistered later: ", e.what()));
    nursery_->start_soon([this, holder, actor_id, keys = actor.mapped()] {
      while (true) {
        sleep(kRenewal);
        const auto lease = leases_.find(holder);
        if (lease == leases_.end()) return;                   // it ends with that
        if (lease->second.actors.contains(actor_id)) return;  // it is registered again
        try {
          return erase(holder, keys);
        } catch (const CallError&) {
        }
      }
    });
  }
}

// Unless someone else has them by now.
void EtcdStore::erase(Holder holder, const std::vector<std::string>& keys) {
  etcdserverpb::TxnRequest request;
  for (const std::string& key : keys) {
    etcdserverpb::Compare& still_ours = *request.add_compare();
    still_ours.set_target(etcdserverpb::Compare::LEASE);
    still_ours.set_key(key);
    still_ours.set_lease(static_cast<std::int64_t>(holder));
    request.add_success()->mutable_request_delete_range()->set_key(key);
  }
  const auto response = client_->transact(request);
  if (response.succeeded()) wait_until_seen(response.header().revision());
}

void EtcdStore::renew(Holder holder, const std::map<std::string, std::uint32_t>& calls_in_flight,
                      std::function<void()> renewed) {
  Lease& lease = used(holder);
  lease.renewed = std::move(renewed);
  for (const auto& [id, keys] : lease.actors) {
    const auto calls = calls_in_flight.find(id);
    view_.set_load(lease.actor_namespace, id, calls == calls_in_flight.end() ? 0 : calls->second);
  }
}

void EtcdStore::drop(Holder holder) {
  const auto lease = leases_.extract(holder);
  if (lease.empty()) return;
  // Also when this arbiter is ending.
  const Clock::duration time = EtcdClient::kAnswerTimeout * static_cast<int>(endpoints_.size());
  CancelScope revoking({.deadline = deadline_after(time), .shield = true});
  revoking.run([&] { revoke(holder); });
  if (revoking.cancelled_caught()) log::warning("a lease ends later, by its time: etcd does not answer");
  const auto is_in_view = [&](const auto& actor) {
    const auto registered = view_.by_id(lease.mapped().actor_namespace, actor.first);
    return registered && registered->holder == holder;
  };
  move_on_after(EtcdClient::kAnswerTimeout, [&] {
    changed().wait_until("etcd to tell that a lease has ended",
                         [&] { return stale() || std::ranges::none_of(lease.mapped().actors, is_in_view); });
  });
}

void EtcdStore::abandon(Holder holder) { leases_.erase(holder); }

void EtcdStore::expired(Holder holder) {
  const auto lease = leases_.find(holder);
  if (lease == leases_.end()) return;
  const std::function<void()> on_expired = std::move(lease->second.on_expired);
  leases_.erase(lease);
  on_expired();
}

// What a backup knows of them is what was then: who still lives registers anew, and who does not is not kept.
void EtcdStore::end_all_leases() {
  std::vector<Holder> holders;
  for (const auto& [holder, lease] : leases_) holders.push_back(holder);
  for (const Holder holder : holders) expired(holder);
  nursery_->start_soon([this, holders = std::move(holders)] {
    for (const Holder holder : holders) revoke(holder);
  });
}

void EtcdStore::revoke(Holder holder) {
  try {
    client_->revoke(static_cast<std::int64_t>(holder));
  } catch (const CallError& e) {
    if (e.kind() != ErrorKind::not_found) log::warning(absl::StrCat("a lease ends later, by its time: ", e.what()));
  }
}

// So that who is told that it is registered is found, here at least.
void EtcdStore::wait_until_seen(std::int64_t revision) {
  const auto seen = [&] { return view_.revision() >= static_cast<std::uint64_t>(revision); };
  move_on_after(kSeenTimeout,
                [&] { changed().wait_until("etcd to tell what was written", [&] { return seen() || stale(); }); });
  throw_if_cancelled();
  if (!seen()) throw CallError(ErrorKind::unavailable, "etcd has taken a change, but does not tell of it");
}

void EtcdStore::keep_leases_alive() {
  while (true) {
    sleep(kRenewal);
    if (leases_.empty()) continue;
    const std::string why = client_->keep_alive([this](EtcdClient::KeepAliveStream& stream) { renew_all(stream); });
    log::debug(absl::StrCat("etcd's leases are renewed no longer: ", why));
  }
}

// Until the stream ends, or a member does not answer.
void EtcdStore::renew_all(EtcdClient::KeepAliveStream& stream) {
  while (true) {
    std::vector<Holder> due;
    for (const auto& [holder, lease] : leases_) {
      if (lease.while_connected || lease.heard_of) due.push_back(holder);
    }
    for (const Holder holder : due) {
      const auto lease = leases_.find(holder);
      if (lease == leases_.end()) continue;  // it ended meanwhile
      lease->second.heard_of = false;
      std::function<void()> renewed = std::exchange(lease->second.renewed, {});
      etcdserverpb::LeaseKeepAliveRequest request;
      request.set_id(static_cast<std::int64_t>(holder));
      etcdserverpb::LeaseKeepAliveResponse response;
      bool answered = false;
      const bool cut_short = move_on_after(EtcdClient::kAnswerTimeout, [&] {
                               answered = stream.write(request) && stream.read(response);
                             }).cancelled_caught();
      const auto still = leases_.find(holder);
      if (cut_short || !answered) {
        if (still == leases_.end()) return;
        still->second.heard_of = true;
        if (!still->second.renewed) still->second.renewed = std::move(renewed);
        return;
      }
      if (response.ttl() == 0) {
        expired(holder);
      } else if (still != leases_.end() && renewed) {
        renewed();
      }
    }
    sleep(kRenewal);
  }
}

}  // namespace tractor::arbiter
