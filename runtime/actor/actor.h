// This actor: its identity and state, and the calls that it carries out.
//
// One per process, owned by the runtime; loop thread only.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/actor/failed_calls.h"
#include "runtime/actor/function_table.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/wire/actor_info.h"
#include "runtime/wire/ledger_event.h"
#include "runtime/wire/server.h"

namespace tractor {

class Registrar;

// UsageError unless it can be a name: valid UTF-8 without control characters, from 1 to 255 bytes.
void check_actor_name(const std::string& name);
// The same for other texts that the arbiter is told of, which may be empty; `what` begins the error.
void check_short_text(const std::string& what, const std::string& text);
void check_labels(const std::map<std::string, std::string>& labels);

class Actor final : public CallHandler {
 public:
  explicit Actor(const FunctionTable& functions) : functions_(functions) {}

  // --- identity and state ---
  const ActorInfo& info() const { return info_; }
  void set_info(ActorInfo info);
  void add_address(std::string address);
  Value::Map& statespace() { return statespace_; }
  // Lets others call the functions of that module.
  void enable(const std::string& module);
  const FunctionTable& functions() const { return functions_; }

  // --- its end ---
  // Everything the actor does happens inside this scope.
  void set_scope(CancelScope* scope);
  // Cancels it all; `budget` is the time until it will be ended by force. A second cancel can only shorten it.
  void cancel(Clock::duration budget, const ActorRef& requested_by, const std::string& reason);
  // Told once, when it is first cancelled, by whom, if that is known, and why.
  void set_on_cancel(std::function<void(const ActorRef& by, const std::string& reason)> told) {
    on_cancel_ = std::move(told);
  }
  bool cancelled() const { return cancel_deadline_ != Clock::kNever; }
  // Of the budget; empty while it is not being cancelled.
  std::optional<Clock::duration> time_left() const;
  // Told once when another actor asked this one to end.
  void set_on_cancel_request(std::function<void(const ActorRef&)> told) { on_cancel_request_ = std::move(told); }
  // Adds a callback for the actor's end; the last one added runs first.
  void at_exit(std::function<void()> callback) { exit_callbacks_.push_back(std::move(callback)); }
  // Runs them, shielded, all within `budget`; what one throws goes to the log.
  void run_exit_callbacks(Clock::duration budget);

  // Told of calls that failed, some of them (FailedCalls); not of those that were cancelled.
  void set_on_failed_call(std::function<void(LedgerEvent)> told) { on_failed_call_ = std::move(told); }

  // Calls that it serves now.
  std::uint32_t calls_in_flight() const { return calls_in_flight_; }

  // --- calls: CallHandler ---
  const ActorRef& self() const override { return self_; }
  Value invoke(Invocation invocation, ServedCall& call) override;
  ActorDescription describe() const override;
  bool cancel_call(const std::string& call_id, const ActorRef& requested_by, const std::string& reason) override;
  void cancel_actor(Clock::duration budget, const ActorRef& requested_by, const std::string& reason) override;

 private:
  const Function& function_for(const std::string& name) const;
  Value carry_out(const Function& function, Invocation& invocation, ServedCall& call);
  void call_failed(const Function* function, const ActorRef& caller);

  const FunctionTable& functions_;
  ActorRef self_;
  ActorInfo info_;
  Value::Map statespace_;
  std::set<std::string> enabled_;
  CancelScope* scope_ = nullptr;
  Clock::time_point cancel_deadline_ = Clock::kNever;
  std::function<void(const ActorRef&, const std::string&)> on_cancel_;
  std::function<void(const ActorRef&)> on_cancel_request_;
  std::vector<std::function<void()>> exit_callbacks_;
  std::map<std::string, ServedCall*> calls_;  // that have an id
  std::uint32_t calls_in_flight_ = 0;
  FailedCalls failed_calls_;
  std::function<void(LedgerEvent)> on_failed_call_;
};

// Tells the registrar, once a second, when the number of calls that the actor serves has changed. Until it is
// cancelled.
void report_load(const Actor& actor, Registrar& registrar);

}  // namespace tractor
