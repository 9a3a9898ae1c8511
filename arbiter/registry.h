// The registry in memory: leases, and what is registered under them.
//
// A lease has no timer of its own that others depend on: whatever is asked first ends what has expired by then. While
// this process does not run, stopped or busy with something else, no lease expires: signs of life may wait to be read.
// Compares this process' clock only. Loop thread only; no wire, so tests run it on virtual time.
#pragma once

#include <set>

#include "arbiter/store.h"

namespace tractor::arbiter {

class Registry final : public Store {
 public:
  explicit Registry(std::size_t log_capacity = View::kLogCapacity);

  // Starts the task that tells of what expires.
  void start(TaskNursery& nursery, CompletionQueuePort& port) override;
  void start(TaskNursery& nursery);

  View& view() override;
  const std::string& epoch() const override { return epoch_; }
  bool stale() const override { return false; }

  Holder open(const std::string& actor_namespace, Clock::duration ttl, std::function<void()> on_expired = {}) override;
  Clock::duration lease(Clock::duration ttl) const override { return ttl; }
  std::uint64_t add(Holder holder, ActorInfo actor) override;
  void remove(Holder holder, const std::string& actor_id) override;
  void renew(
      Holder holder, const std::map<std::string, std::uint32_t>& calls_in_flight,
      std::function<void()> renewed = [] {}) override;
  void drop(Holder holder) override;
  void abandon(Holder holder) override;

 private:
  struct Lease {
    std::string actor_namespace;
    Clock::duration ttl = {};
    std::function<void()> on_expired = {};
    Clock::time_point expires = Clock::kNever;
    std::map<std::string, std::uint64_t> actors = {};  // their fencing tokens by id
  };

  Lease& used(Holder holder);
  std::uint64_t new_claim(const std::string& actor_namespace, const ActorInfo& actor);
  Clock::time_point next_expiry() const;
  void expire();
  void postpone(Clock::duration by);
  void apply(const std::vector<View::Change>& changes);

  std::string epoch_;
  View view_;
  std::map<Holder, Lease> leases_;
  std::set<std::pair<Clock::time_point, Holder>> expiries_;
  std::uint64_t last_token_ = 0;
  Holder last_holder_ = 0;
  Condition opened_;
  bool started_ = false;
  Clock::time_point looked_ = {};  // for expired leases, last
};

}  // namespace tractor::arbiter
