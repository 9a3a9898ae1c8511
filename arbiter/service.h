// ArbiterService over a store: what programs embed, and what tractor-arbiter serves.
//
// Served by the gRPC server of the actor that hosts it; of a root that does not, too, which refuses what it is asked,
// until it takes the arbiter's place. Loop thread only.
#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>

#include "arbiter/check.h"
#include "arbiter/ledger.h"
#include "arbiter/store.h"
#include "runtime/wire/server.h"

namespace tractor::arbiter {

class Service {
 public:
  // Keeps registrations in memory. UsageError for a `ttl` (of those from other hosts) that check_ttl() refuses.
  explicit Service(Clock::duration ttl = kDefaultTtl);
  // `ledger`: null to keep it in memory.
  Service(std::unique_ptr<Store> store, Clock::duration ttl, std::unique_ptr<LedgerFiles> ledger = nullptr);
  ~Service();

  // To be given to the server before it is built.
  grpc::Service* service();
  // Starts the store and to take calls, in tasks of `nursery`; `self` is the actor that hosts it. A checkpoint; throws
  // what keeps the store from starting.
  void serve(ActorServer& server, TaskNursery& nursery, const ActorRef& self);
  // Starts to answer them: this is the arbiter now. `embedded`: in a program that does something else.
  void open(bool embedded);
  // This arbiter is about to end: it goes on answering, but no tree registers any more. Parks until none is registered.
  void drain();
  // Takes no more: right after that nursery has ended.
  void stop();

 private:
  struct Methods;

  std::unique_ptr<Store> store_;
  Ledger ledger_;
  Clock::duration ttl_;
  bool open_ = false;
  bool embedded_ = false;
  bool draining_ = false;
  std::unique_ptr<Methods> methods_;
};

}  // namespace tractor::arbiter
