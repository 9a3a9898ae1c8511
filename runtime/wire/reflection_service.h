// grpc.reflection.v1alpha.ServerReflection: which services are served and what their messages look like, so that tools
// like grpcurl can call them without our .proto files.
//
// Over the descriptors that are compiled in. Served by the actor's gRPC server to whoever it lets in. Not gRPC's own,
// which is for servers with threads. Loop thread only.
#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>
#include <set>
#include <string>

#include "runtime/wire/server.h"

namespace tractor {

class ReflectionService {
 public:
  // `names` are the services to tell of, and outlive it.
  explicit ReflectionService(const std::set<std::string>& names);
  ~ReflectionService();

  // To be given to the server before it is built.
  grpc::Service* service();
  // Starts to take calls, in tasks of `nursery`.
  void serve(ActorServer& server, TaskNursery& nursery);
  // Takes no more: right after that nursery has ended.
  void stop();

 private:
  struct Methods;
  std::unique_ptr<Methods> methods_;
};

}  // namespace tractor
