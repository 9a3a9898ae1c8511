// A child actor as its parent sees it: the process, the supervision stream to it, and how it ends.
//
// Owned by the nursery that spawned it, whose task runs run() from the launch until the process, and everything below
// it, is gone; portals share it. Loop thread only.
// What is to be done at each event is decided by ChildLife; this does it. What makes it end: release() (its work is
// done, or someone cancels it), cancellation of the nursery, its own failure, its own exit.
#pragma once

#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/process/child_life.h"
#include "runtime/process/child_spec.h"
#include "runtime/process/early_output.h"
#include "runtime/process/launcher.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/condition.h"
#include "runtime/wire/actor_info.h"
#include "runtime/wire/ledger_event.h"
#include "runtime/wire/peer.h"
#include "runtime/wire/value.h"

namespace tractor {

class Supervision;

// How long a child may take until it serves.
inline constexpr Clock::duration kStartTimeout = std::chrono::seconds(30);

// What a child has to be asked for before it ends, by the supervision stream: implemented by Supervision's stream task.
class ChildStream {
 public:
  virtual void send_cancel(Clock::duration budget, const std::string& reason) = 0;
  // Ends it, though somebody still holds the other end: the child is dead.
  virtual void abandon() = 0;

 protected:
  ~ChildStream() = default;
};

class Child : public std::enable_shared_from_this<Child> {
 public:
  // `on_change` is called on the loop when it settled or failed.
  Child(Supervision& supervision, ChildSpec spec, std::function<void(Child&)> on_change);

  // --- the nursery's side ---
  // From launch to reaping; in a task of the nursery. Throws the child's failure, unless that was its start's, which
  // wait_started() throws.
  void run();
  // Waits until it serves; throws why it never will. A checkpoint.
  void wait_started();
  // Its one-shot function has returned, or failed.
  bool settled() const { return outcome_.has_value() || failure_ != nullptr || ended_; }
  bool one_shot() const { return spec_.function.has_value(); }
  // Its one-shot function has returned.
  bool returned() const { return outcome_.has_value(); }
  std::exception_ptr failure() const { return failure_; }

  // --- the portals' side ---
  // The one-shot function's value; waits for it and throws what it threw. May be asked again.
  Value wait_result();
  // Asks it to end; not a checkpoint. wait_ended() waits until it is gone.
  void release(const std::string& reason, const ActorRef& requested_by = {});
  void wait_ended();
  // Whoever asked it to end; empty when that was its work's end, its nursery, or nobody.
  const ActorRef& released_by() const { return released_by_; }
  bool ended() const { return ended_; }
  // Whether it is not known to be dead, nor on its way out.
  bool alive() const { return life_.alive() && !released_ && !ended_; }
  // The stream of its generator has ended: with null, or what it failed with.
  void settle(std::exception_ptr error);
  const std::shared_ptr<Peer>& peer() const { return peer_; }
  // What peers of it are to know.
  Peer::Owner owner_of_peers();
  const ActorRef& actor() const { return actor_; }
  pid_t pid() const { return pid_; }

  // --- the supervision stream's side ---
  const ChildSpec& spec() const { return spec_; }
  // Of the scopes around its nursery.
  Clock::time_point nursery_deadline() const { return nursery_deadline_; }
  void on_stream(ChildStream& stream);
  void on_stream_end();
  void on_ready(ActorInfo info);
  void on_outcome(Value value);
  void on_failure(ErrorInfo error);
  void on_ending(const ActorRef& requested_by);
  // It, or an actor below it, asks to be registered. When its unregistration comes before the task that registers it
  // has run, registered() is false, and it is not added.
  void on_registering(const ActorInfo& info) { registered_[info.id] = info.name; }
  bool registered(const std::string& actor_id) const { return registered_.contains(actor_id); }
  void on_unregistered(const std::string& actor_id) { registered_.erase(actor_id); }
  void on_spawned_below(pid_t pid);
  void on_reaped_below(pid_t pid);

 private:
  void launch_process();
  void watch(int pidfd, void (Child::*on_exit)());
  void on_exit();
  void look_for_exit();
  void on_orphan_exit();
  void wait_for_orphan();
  // Until it has come to that phase.
  void follow(ChildLife::Phase until);
  // `reported`: what it failed with, when the event is that.
  void step(ChildLife::Event event, std::exception_ptr reported = nullptr);
  Clock::duration time_for(ChildLife::Phase phase) const;
  void record(LedgerEvent::Kind kind, LedgerEvent event = {});
  void ask_to_end();
  void kill_below();
  void take_failure(bool starting, std::exception_ptr reported);
  void collect();
  void collect_orphans();
  std::exception_ptr death();
  ErrorInfo died() const;
  ErrorInfo start_timeout() const;
  std::exception_ptr post_mortem(ErrorInfo failure);
  std::string why_released() const;
  std::string last_words() const;

  Supervision& supervision_;
  ChildSpec spec_;
  std::function<void(Child&)> on_change_;
  ActorRef actor_;
  pid_t pid_ = -1;
  std::optional<Adoption> adoption_;
  std::unique_ptr<ChildProcess> process_;
  ChildLife life_;
  Clock::time_point deadline_ = Clock::kNever;  // the timer of its phase
  std::shared_ptr<EarlyOutput> early_output_;
  ChildStream* stream_ = nullptr;
  Condition changed_;

  std::optional<ActorInfo> ready_;
  std::shared_ptr<Peer> peer_;
  Clock::time_point nursery_deadline_ = Clock::kNever;
  std::optional<Value> outcome_;
  std::exception_ptr failure_;
  std::exception_ptr start_failure_;
  std::exception_ptr death_;
  std::optional<ExitStatus> exit_;
  std::optional<std::string> released_;  // why
  ActorRef released_by_;
  bool starter_waits_ = false;
  bool start_failure_taken_ = false;  // thrown by wait_started()
  bool orphan_ended_ = false;
  bool all_watched_ = true;  // no process' end goes unnoticed for lack of a descriptor
  bool ended_ = false;
  std::map<std::string, std::string> registered_;  // names by id
  std::map<std::string, std::string> below_it_;    // of those when it died
  std::set<pid_t> pids_below_;
};

}  // namespace tractor
