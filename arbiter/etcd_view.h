// Keeps a view up to date with the registrations in etcd. Owned by the store; loop thread only.
//
// It reads all of them once, and is told of every change from then on, by whichever member of the cluster works. While
// none does, the view stays as it is, and is stale; afterwards it catches up, with all that changed meanwhile, also
// when etcd does not know the single changes any more.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "arbiter/etcd_client.h"
#include "arbiter/store.h"

namespace tractor::arbiter {

// The key of a registration, that of the claim of a name, and all registrations: tractor's part of etcd is
// /tractor/v1/.
std::string actor_key(const std::string& actor_namespace, const std::string& id);
std::string claim_key(const std::string& actor_namespace, const std::string& name);
extern const std::string kActorsBegin;
extern const std::string kActorsEnd;

class EtcdView {
 public:
  // `changed` is called after every change of the view, and of stale(); `replaced` when etcd's data are others than
  // they were: lost, or those of a backup.
  EtcdView(EtcdClient& client, View& view, std::function<void()> changed, std::function<void()> replaced);

  // Reads what there is, trying for `timeout`; then StoreUnreachable. A checkpoint.
  void read_first(Clock::duration timeout);
  // Follows until it is cancelled.
  void follow();

  const std::string& epoch() const { return epoch_; }
  bool stale() const { return stale_; }

 private:
  // A member that is not heard of for so long, though it is asked every kAskInterval, is tried no longer.
  static constexpr Clock::duration kAskInterval = std::chrono::seconds(1);
  static constexpr Clock::duration kMemberSilence = std::chrono::milliseconds(2500);

  struct Snapshot {
    std::string epoch;
    std::uint64_t revision = 0;
    std::vector<View::Change> actors;
  };
  struct Identity {
    std::string epoch;
    std::uint64_t revision;
  };
  // Of the etcd that answers; gives it an epoch when it has none.
  Identity identify();
  Snapshot read_all();
  void catch_up();
  void follow_on(EtcdClient::WatchStream& stream);
  bool receive(const etcdserverpb::WatchResponse& response);
  bool ask_for_a_sign_of_life(EtcdClient::WatchStream& stream);
  void set_stale(bool stale, const std::string& why);

  EtcdClient& client_;
  View& view_;
  std::function<void()> changed_;
  std::function<void()> replaced_;
  std::string epoch_;
  bool needs_snapshot_ = false;  // there are changes that will never be told
  bool stale_ = true;
  std::size_t failures_ = 0;  // of members in a row
  Clock::time_point heard_of_ = {};
};

}  // namespace tractor::arbiter
