// grpc.health.v1.Health: whether this actor takes calls, for probes and load balancers.
//
// Served by the actor's gRPC server. Asks for no credential: probes have none to show, and it tells nothing else. Not
// gRPC's own, which would start threads. Loop thread only.
#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>
#include <set>
#include <string>

#include "runtime/task/condition.h"
#include "runtime/wire/server.h"

namespace tractor {

class HealthService {
 public:
  HealthService();
  ~HealthService();

  // To be given to the server before it is built.
  grpc::Service* service();
  // Starts to take calls, in tasks of `nursery`, which outlives the time in which the actor ends: it is told of, too.
  void serve(ActorServer& server, TaskNursery& nursery);
  // Takes no more: right after that nursery has ended.
  void stop();

  // Services that can be asked about by name, besides all together (""). They have one status: that of the actor.
  void add(const std::string& name);
  const std::set<std::string>& names() const { return names_; }
  void set_serving(bool serving);

 private:
  struct Methods;

  std::set<std::string> names_;
  bool serving_ = false;
  Condition changed_;
  std::unique_ptr<Methods> methods_;
};

}  // namespace tractor
