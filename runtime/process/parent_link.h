// The child's side of supervision: the stream to the parent over the inherited socket.
//
// Loop thread only. Registrations and pids from below are passed up through it, so it is a child's Registrar.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "runtime/process/supervision.h"
#include "runtime/task/condition.h"
#include "tractor/v1/supervision.pb.h"

namespace tractor {

// The time a child takes for ending when its parent died; then its helper thread ends it by force.
inline constexpr std::chrono::milliseconds kParentDeathGrace{2000};

class ParentLink final : public Registrar {
 public:
  struct Events {
    std::function<void(Clock::duration budget, const ActorRef& by, const std::string& reason)> on_cancel;
    std::function<void()> on_parent_gone;  // at most once, unless close() came first
  };
  // Owns the descriptor. Throws when it is not a parent's.
  ParentLink(int descriptor, grpc::CompletionQueue* queue);
  ~ParentLink();

  // Says hello and returns what the parent wants; starts the link's tasks in `system`. Throws when the parent is gone.
  // A checkpoint.
  v1::SpawnSpec start(TaskNursery& system, Events events);

  void send_ready(const ActorInfo& info);
  // CallError(resource_exhausted) when the value is larger than a message may be; `function` is named then.
  void send_outcome(const std::string& function, Value value);
  void send_outcome(const ErrorInfo& error);
  void send_ending(const ActorRef& requested_by);
  // What was sent is read by the parent, or it is gone, or the time is over. The link is of no use afterwards.
  void close(Clock::duration timeout);

  void add(const ActorInfo& info) override;
  void remove(const std::string& actor_id) override;
  void load(const std::string& actor_id, std::uint32_t calls_in_flight) override;
  void spawned(pid_t pid) override;
  void reaped(pid_t pid) override;
  void record(LedgerEvent event) override;

 private:
  struct Connection;
  void send(v1::SuperviseRequest message);
  void read_loop();

  std::unique_ptr<Connection> connection_;
  Events events_;
  Condition changed_;
  v1::SpawnSpec spec_;
  bool have_spec_ = false;
  bool ended_ = false;
  bool closing_ = false;
  std::set<std::string> acknowledged_;
};

}  // namespace tractor
