// Keeps a tree of actors registered: a root's stream to the arbiter.
//
// When the arbiter goes away the actors go on; as soon as it, or another, is back at the address, all are registered
// again. Of several arbiters the next is tried at once. Whoever comes back finds many trees that want to be registered:
// each waits for a time of its own. When an address becomes vacant meanwhile, this root may take its place. Loop thread
// only.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "runtime/process/registrar.h"
#include "runtime/task/condition.h"
#include "runtime/task/error.h"
#include "runtime/wire/actor_info.h"
#include "runtime/wire/peer.h"

namespace tractor::v1 {
class RegisterResponse;
}

namespace tractor::arbiter {

// The arbiter that was to be joined has ended: claim its address again.
class ArbiterGone : public Error {
 public:
  using Error::Error;
};

// How long to wait after so many failures in a row (from 1 on) before the arbiter is tried again: longer after more of
// them, and from half of that to half more of it by chance, so that not everyone comes at the same moment.
Clock::duration reconnect_pause(int failures, std::minstd_rand& random);

class TreeRegistrar final : public Registrar {
 public:
  // `take_over` is asked, again and again, while the arbiter that was known is gone, if it was embedded in a program:
  // to serve its address from now on, unless somebody does. One of its own (tractor-arbiter) is expected to come back.
  // `addresses`: see parse_addresses(); only one that stands alone can be taken over.
  TreeRegistrar(const WireContext& wire, const std::string& addresses, std::string actor_namespace,
                std::function<void()> take_over);
  ~TreeRegistrar();

  // Connects, and starts the task in `system` that keeps connected. Throws UsageError when no arbiter answers there
  // within kConnectTimeout (for each address), or something else does, or it does not let us in; ArbiterGone when its
  // address has become vacant. A checkpoint.
  void start(TaskNursery& system);
  // Says goodbye, once the ledger has all: nobody of this tree is found from now on. Waits for wait_recorded() and
  // kGoodbyeTimeout at most. A checkpoint.
  void leave();
  static constexpr Clock::duration kGoodbyeTimeout = std::chrono::milliseconds(500);

  // The name of an exclusive one is claimed on return: NameTaken when another has it; CallError (unavailable) when no
  // arbiter grants it within kConnectTimeout.
  void add(const ActorInfo& info) override;
  void remove(const std::string& actor_id) override;
  void wait_removed() override;
  std::uint64_t fencing_token() const override { return token_; }
  void load(const std::string& actor_id, std::uint32_t calls_in_flight) override;
  void spawned(pid_t /*pid*/) override {}
  void reaped(pid_t /*pid*/) override {}
  // Told again when the arbiter is back, until it has acknowledged them; of the newest kMostEvents at most.
  void record(LedgerEvent event) override;
  void wait_recorded() override;
  static constexpr std::size_t kMostEvents = 10'000;

  // From the next connection on it is registered as this. Not a checkpoint.
  void update(const ActorInfo& info) { actors_[info.id] = info; }

  // Parks until the claimed name is another's, or may be: the claim was not renewed for the time of its lease. Returns
  // why. When the arbiter comes back and has forgotten the claim it is claimed again, with a larger token.
  std::string wait_until_taken();

 private:
  struct Connection;
  void keep_connected();
  bool cannot_work();
  // One connection, from its opening to its end, which it describes.
  std::string run_connection();
  void receive(Connection& connection, const v1::RegisterResponse& response);
  void give_up_unless_welcomed(Connection& connection);
  void wait_until_claimed(const std::string& name);
  void extend_claim(const Connection& connection, Clock::time_point renewed);
  void send_heartbeats(Connection& connection);
  void send_events();
  const std::string& address() const { return addresses_[current_]; }

  const WireContext& wire_;
  std::vector<std::string> addresses_;
  std::string namespace_;
  std::function<void()> take_over_;
  std::size_t current_ = 0;
  std::map<std::string, ActorInfo> actors_;
  std::map<std::string, std::uint32_t> loads_;
  Connection* connection_ = nullptr;  // while welcomed
  std::deque<LedgerEvent> events_;    // that are not acknowledged
  std::size_t events_sent_ = 0;       // of these, in the batch that is on its way
  std::uint64_t last_batch_ = 0;
  std::uint64_t recorded_ = 0;  // events, ever
  std::set<std::string> acknowledged_;
  std::set<std::string> removals_;                // that are not
  std::string claimant_;                          // the id of the exclusive one
  std::uint64_t token_ = 0;                       // of its claim
  std::string taken_;                             // why it has the name no longer
  Clock::duration lease_ = {};                    // of the last connection
  Clock::time_point lease_ends_ = Clock::kNever;  // of the claim, unless it is renewed: not later at the arbiter
  bool welcomed_ = false;                         // ever
  bool was_embedded_ = false;
  bool connected_ = false;
  bool leaving_ = false;
  bool vacant_ = false;  // before it was welcomed
  int failures_ = 0;     // in a row
  std::string refusal_;  // why it cannot work at all
  std::string told_refusal_;
  std::string last_error_;
  std::minstd_rand random_{std::random_device()()};
  Condition changed_;
};

}  // namespace tractor::arbiter
