// An actor's gRPC server: accepts calls of ActorService, authenticates the callers, and hands the calls on, each in a
// task of its own.
//
// Built before the scheduler runs (it makes the completion queue that the scheduler polls); loop thread, but for
// add_connection().
#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/task/task_nursery.h"
#include "runtime/wire/address.h"
#include "runtime/wire/call_handler.h"
#include "runtime/wire/completion_queue.h"
#include "runtime/wire/server_call.h"
#include "runtime/wire/tcp_connections.h"

namespace tractor {

class ActorServer {
 public:
  struct Options {
    std::string bearer_token = {};                          // that callers over TCP must show
    bool insecure = false;                                  // let callers over TCP in without one
    Clock::duration unreachable_after = kUnreachableAfter;  // callers over TCP
    std::vector<grpc::Service*> services = {};              // besides ActorService; they outlive the server
  };
  // Whether add_connection() takes TCP sockets: callers over TCP need a credential, unless the program lets in all.
  static bool lets_tcp_in(const Options& options);
  // UsageError unless it does; to be asked before that address is listened on.
  static void check_lets_tcp_in(const Address& address, const Options& options);

  explicit ActorServer(Options options);
  // Closes all connections. After the scheduler has ended: it takes the completion queue along.
  ~ActorServer();

  CompletionQueuePort& port() { return *port_; }

  // Starts to take calls; they run in `nursery`.
  void serve(TaskNursery& nursery, CallHandler& handler);
  // Takes no more: right after that nursery has ended.
  void stop();

  // Keeps connections alive while the loop is busy: to be called several times in `unreachable_after`, on another
  // thread. Not after the server has gone.
  void show_signs_of_life();

  // Serves a connected socket, which it owns from now on: a unix socket of a trusted peer (same user, or a child), or
  // one of TCP. gRPC's own listeners are not used: one that runs out of descriptors once accepts nobody ever after. Any
  // thread.
  void add_connection(int descriptor);

  // Throws CallError(unauthenticated) unless the caller may talk to us at all: the one place that authenticates. Unix
  // sockets and socket pairs were checked before they were added; TCP shows the bearer token.
  // Goes on from the caller's clock, if it came along.
  void authenticate(const grpc::ServerContext& context) const;

 private:
  void check_credential(const grpc::ServerContext& context) const;
  // Parks until a caller over TCP that asks for signs of life shows none itself, and ends its connection then.
  void watch_caller(const grpc::ServerContext& context) const;
  struct Methods;
  Options options_;
  std::unique_ptr<Methods> methods_;
  std::unique_ptr<CompletionQueuePort> port_;
  std::unique_ptr<grpc::Server> server_;
  TcpConnections connections_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> external_acceptor_;
  grpc::CompletionQueue keepalive_queue_;  // carries no events: polling it has gRPC answer pings while the loop is busy
};

}  // namespace tractor
