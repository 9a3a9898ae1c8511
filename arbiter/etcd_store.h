// Registrations in etcd: any number of arbiters over one cluster serve one view. Loop thread only.
//
// Each arbiter follows all registrations (etcd_view.h), answers from what it has seen, and never asks etcd to find
// someone. A holder is a lease of etcd's, which this arbiter keeps alive while it hears of the holder; when the arbiter
// dies, its trees have the lease's time to register with another one. Revisions are etcd's, and the epoch is kept
// there, so that a watcher may resume at another arbiter. How many calls an actor serves is known to the arbiter that
// it is registered with, and not written: to the others it is idle.
#pragma once

#include "arbiter/etcd_client.h"
#include "arbiter/etcd_view.h"
#include "arbiter/store.h"

namespace tractor::arbiter {

class EtcdStore final : public Store {
 public:
  // `endpoints`: "host:port" each. start() tries them for `start_timeout`, then throws StoreUnreachable.
  EtcdStore(std::vector<std::string> endpoints, Clock::duration start_timeout);
  ~EtcdStore() override;

  void start(TaskNursery& nursery, CompletionQueuePort& port) override;

  View& view() override { return view_; }
  const std::string& epoch() const override { return follower_->epoch(); }
  bool stale() const override { return follower_->stale(); }

  Holder open(const std::string& actor_namespace, Clock::duration ttl, std::function<void()> on_expired) override;
  Clock::duration lease(Clock::duration ttl) const override;
  std::uint64_t add(Holder holder, ActorInfo actor) override;
  void remove(Holder holder, const std::string& actor_id) override;
  void renew(Holder holder, const std::map<std::string, std::uint32_t>& calls_in_flight,
             std::function<void()> renewed) override;
  void drop(Holder holder) override;
  void abandon(Holder holder) override;

 private:
  struct Lease {
    std::string actor_namespace;
    bool while_connected;  // else only while the holder shows signs of life
    std::function<void()> on_expired;
    bool heard_of = true;  // since the last renewal
    std::function<void()> renewed = {};
    // Their keys by id: that of the registration, and of the claim if there is one.
    std::map<std::string, std::vector<std::string>> actors = {};
  };

  Lease& used(Holder holder);
  void check_not_stale() const;
  void erase(Holder holder, const std::vector<std::string>& keys);
  void wait_until_seen(std::int64_t revision);
  void keep_leases_alive();
  void renew_all(EtcdClient::KeepAliveStream& stream);
  void expired(Holder holder);
  void end_all_leases();
  // At etcd.
  void revoke(Holder holder);

  std::vector<std::string> endpoints_;
  Clock::duration start_timeout_;
  View view_;
  std::unique_ptr<EtcdClient> client_;
  std::unique_ptr<EtcdView> follower_;
  TaskNursery* nursery_ = nullptr;
  std::map<Holder, Lease> leases_;
};

}  // namespace tractor::arbiter
