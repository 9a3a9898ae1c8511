// The parent's side of supervision: the service its children call over their inherited sockets, and what every child of
// this actor needs.
//
// One per runtime; loop thread only. SupervisionService is served by the actor's one gRPC server, because a completion
// queue cannot be shared by two: a child is recognised by its token, and everyone else is refused.
#pragma once

#include <grpcpp/impl/service_type.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "runtime/process/child.h"
#include "runtime/process/helper_thread.h"
#include "runtime/process/registrar.h"
#include "runtime/task/scheduler.h"
#include "runtime/wire/server.h"

namespace tractor {

struct SupervisionOptions {
  std::vector<std::string> argv = {};  // the root's
  std::string tree_directory = {};
  std::string arbiter_address = {};  // or several, separated by commas
  std::string actor_namespace = {};  // in which they are registered there
  std::string credential_file = {};
  bool insecure = false;
  Clock::duration unreachable_after = kUnreachableAfter;        // over TCP, for all actors of the tree
  Clock::duration unacknowledged_after = kUnacknowledgedAfter;  // likewise
};

class Supervision {
 public:
  Supervision(HelperThread& helper, SupervisionOptions options);
  ~Supervision();

  // To be given to the server before it is built.
  grpc::Service* service();
  // Starts to take the children's calls. All of these outlive the nursery.
  void serve(ActorServer& server, TaskNursery& system, const WireContext& wire, Registrar& registrar);

  // Takes no more: right after the nursery of serve() has ended.
  void stop();

  HelperThread& helper() { return helper_; }
  ActorServer& server() { return *server_; }
  Registrar& registrar() { return *registrar_; }
  // That this happens now, as this actor sees it; of no effect before serve().
  void record(LedgerEvent event);
  const WireContext& wire() const { return *wire_; }
  SupervisionOptions& options() { return options_; }
  Scheduler& scheduler() { return *scheduler_; }

  // What is left of this actor's own budget; empty while it is not being cancelled.
  void set_time_left(std::function<std::optional<Clock::duration>()> time_left) { time_left_ = std::move(time_left); }
  // The child's own, or what is left of this actor's less a margin (a tenth, between 50 and 500 ms): the shorter one.
  Clock::duration budget_for(const ChildSpec& spec) const;

  // Throws CallError(resource_exhausted) when what the child is to be told is larger than a message may be.
  void check_size(const Child& child);
  // Who shows this token (child_token.h) is that child.
  void expect(const std::string& token, std::shared_ptr<Child> child);
  // It has ended; should it never have called, nobody else may.
  void forget(const Child& child);

  // Which processes were launched here and are not reaped: all other children of this process are orphans, or not ours.
  std::map<pid_t, Child*>& launched() { return launched_; }
  // The child of this actor that has that id; null when it is none.
  std::shared_ptr<Child> child_with(const std::string& actor_id) const;

 private:
  struct Methods;
  class Stream;

  HelperThread& helper_;
  SupervisionOptions options_;
  std::unique_ptr<Methods> methods_;
  ActorServer* server_ = nullptr;
  const WireContext* wire_ = nullptr;
  Registrar* registrar_ = nullptr;
  Scheduler* scheduler_ = nullptr;
  std::function<std::optional<Clock::duration>()> time_left_;
  std::map<std::string, std::shared_ptr<Child>> expected_;  // by token
  std::map<pid_t, Child*> launched_;
};

}  // namespace tractor
