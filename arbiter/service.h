// ArbiterService over a registry: what programs embed, and what tractor-arbiter serves.
//
// Served by the gRPC server of the actor that hosts it; of a root that does not, too, which refuses what it is asked,
// until it takes the arbiter's place. Loop thread only.
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
  // Starts to take calls, in tasks of `nursery`; `self` is the actor that hosts it.
  void serve(ActorServer& server, TaskNursery& nursery, const ActorRef& self);
  // Starts to answer them: this is the arbiter now. `embedded`: in a program that does something else.
  void open(bool embedded);
  // Takes no more: right after that nursery has ended.
  void stop();

  const Registry& registry() const { return registry_; }

 private:
  struct Methods;

  Registry registry_;
  Condition changed_;
  std::string epoch_;
  bool open_ = false;
  bool embedded_ = false;
  std::unique_ptr<Methods> methods_;
};

}  // namespace tractor::arbiter
