// ArbiterService over a registry: what programs embed, and what tractor-arbiter serves.
//
// Served by the gRPC server of the actor that hosts it. Loop thread only.
#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>
#include <string>

#include "arbiter/registry.h"
#include "runtime/task/condition.h"
#include "runtime/wire/server.h"

namespace tractor::arbiter {

class Service {
 public:
  Service();
  ~Service();

  // To be given to the server before it is built.
  grpc::Service* service();
  // Starts to take calls, in tasks of `nursery`; `self` is the actor that hosts the arbiter.
  void serve(ActorServer& server, TaskNursery& nursery, const ActorRef& self);
  // Takes no more: right after that nursery has ended.
  void stop();

  const Registry& registry() const { return registry_; }

 private:
  struct Methods;

  Registry registry_;
  Condition changed_;
  std::string epoch_;
  std::unique_ptr<Methods> methods_;
};

}  // namespace tractor::arbiter
