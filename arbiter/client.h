// Asks an arbiter. Loop thread only; every question is a checkpoint.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/wire/actor_info.h"
#include "runtime/wire/peer.h"

namespace tractor::arbiter {

class Client {
 public:
  Client(const WireContext& wire, std::string address);
  ~Client();

  // Newest first; empty when there is none. UsageError for what is no valid UTF-8. Throws RemoteActorError that names
  // the arbiter's address when it does not answer.
  std::vector<ActorInfo> find(const std::string& name, const std::map<std::string, std::string>& labels = {});
  // Parks until there is one; also while the arbiter is away.
  std::vector<ActorInfo> wait_for(const std::string& name);
  std::vector<ActorInfo> list();

 private:
  struct Stub;
  template <class Request, class Response, class Prepare>
  Response ask(const Request& request, Prepare prepare);

  const WireContext& wire_;
  std::string address_;
  std::unique_ptr<Stub> stub_;
};

}  // namespace tractor::arbiter
