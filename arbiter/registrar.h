// Keeps a tree of actors registered: a root's stream to the arbiter.
//
// When the arbiter goes away the actors go on; as soon as it, or another, is back at the address, all are registered
// again. When its address becomes vacant meanwhile, this root may take its place. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "runtime/process/supervision.h"
#include "runtime/task/condition.h"
#include "runtime/task/error.h"
#include "runtime/wire/actor_info.h"
#include "runtime/wire/peer.h"

namespace tractor::arbiter {

// The arbiter that was to be joined has ended: claim its address again.
class ArbiterGone : public Error {
 public:
  using Error::Error;
};

class TreeRegistrar final : public Registrar {
 public:
  // `take_over` is asked, again and again, while the arbiter that was known is gone, if it was embedded in a program:
  // to serve its address from now on, unless somebody does. One of its own (tractor-arbiter) is expected to come back.
  TreeRegistrar(const WireContext& wire, std::string address, std::function<void()> take_over);
  ~TreeRegistrar();

  // Connects, and starts the task in `system` that keeps connected. Throws UsageError when no arbiter answers there
  // within kConnectTimeout, or something else does, or it does not let us in; ArbiterGone when its address has become
  // vacant. A checkpoint.
  void start(TaskNursery& system);

  void add(const ActorInfo& info) override;
  void remove(const std::string& actor_id) override;
  void spawned(pid_t /*pid*/) override {}
  void reaped(pid_t /*pid*/) override {}

  // The actor that hosts the arbiter.
  const ActorRef& arbiter() const { return arbiter_; }

 private:
  struct Connection;
  void keep_connected();
  bool check_vacant();
  // One connection, from its opening to its end, which it describes.
  std::string run_connection();

  const WireContext& wire_;
  std::string address_;
  std::function<void()> take_over_;
  std::map<std::string, ActorInfo> actors_;
  Connection* connection_ = nullptr;  // while welcomed
  std::set<std::string> acknowledged_;
  ActorRef arbiter_;
  bool welcomed_ = false;  // ever
  bool was_embedded_ = false;
  bool connected_ = false;
  bool vacant_ = false;  // before it was welcomed
  std::string refusal_;  // why it cannot work at all
  std::string last_error_;
  Condition changed_;
};

}  // namespace tractor::arbiter
