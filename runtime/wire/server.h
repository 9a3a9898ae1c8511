// An actor's gRPC server: accepts calls of ActorService, authenticates the callers, and hands the calls on, each in a
// task of its own.
//
// Built before the scheduler runs (it makes the completion queue that the scheduler polls); loop thread, but for
// add_connection().
#pragma once

#include <grpcpp/server.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/task/task_nursery.h"
#include "runtime/wire/actor_description.h"
#include "runtime/wire/address.h"
#include "runtime/wire/completion_queue.h"
#include "runtime/wire/remote_error.h"
#include "runtime/wire/server_call.h"
#include "runtime/wire/value.h"

namespace tractor {

// One call as it came in.
struct Invocation {
  std::string function = {};
  Arguments arguments = {};
  std::string call_id = {};
  Clock::time_point deadline = Clock::kNever;
  ActorRef caller = {};
};

// Who carries calls out. All in tasks of the server's nursery.
class CallHandler {
 public:
  virtual ~CallHandler() = default;
  // The identity calls are checked against and errors originate from.
  virtual const ActorRef& self() const = 0;
  // Runs the call and returns its value, or throws. Cancelled comes out only when the whole actor ends.
  virtual Value invoke(Invocation call) = 0;
  virtual ActorDescription describe() const = 0;
  virtual bool cancel_call(const std::string& call_id, const ActorRef& requested_by, const std::string& reason) = 0;
  virtual void cancel_actor(Clock::duration budget, const ActorRef& requested_by, const std::string& reason) = 0;
};

class ActorServer {
 public:
  struct Options {
    std::vector<Address> listen_tcp = {};       // "port 0" is chosen by the kernel
    std::string bearer_token = {};              // that callers over TCP must show
    bool insecure = false;                      // let callers over TCP in without one
    std::vector<grpc::Service*> services = {};  // besides ActorService; they outlive the server
  };
  // Throws UsageError when an address cannot be listened on: it is in use, or not this machine's; or when TCP was asked
  // for with neither credential nor `insecure`.
  explicit ActorServer(Options options);
  // Closes all connections. After the scheduler has ended: it takes the completion queue along.
  ~ActorServer();

  CompletionQueuePort& port() { return *port_; }
  // The TCP addresses it listens on, with the ports that were chosen.
  const std::vector<Address>& listening() const { return listening_; }

  // Starts to take calls; they run in `nursery`.
  void serve(TaskNursery& nursery, CallHandler& handler);
  // Takes no more: right after that nursery has ended.
  void stop();

  // Serves a connected socket of a trusted peer (same user, or a child), which it owns from now on. Any thread.
  void add_connection(int descriptor);

  // Throws CallError(unauthenticated) unless the caller may talk to us at all: the one place that authenticates. Unix
  // sockets and socket pairs were checked before they were added; TCP shows the bearer token.
  void authenticate(const grpc::ServerContext& context) const;

 private:
  struct Methods;
  Options options_;
  std::vector<Address> listening_;
  std::unique_ptr<Methods> methods_;
  std::unique_ptr<CompletionQueuePort> port_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace tractor
