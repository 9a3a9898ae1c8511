// Calls as they arrive in an actor, on whatever way, and who carries them out.
#pragma once

#include <string>

#include "runtime/task/cancel_scope.h"
#include "runtime/task/clock.h"
#include "runtime/wire/actor_description.h"
#include "runtime/wire/remote_error.h"
#include "runtime/wire/value.h"

namespace tractor {

class ServedStream;

// One call as it came in.
struct Invocation {
  std::string function = {};
  Arguments arguments = {};
  std::string call_id = {};
  Clock::time_point deadline = Clock::kNever;
  ActorRef caller = {};
  ServedStream* stream = nullptr;  // of a caller who wants items
};

// A call that is carried out, for whoever cancels it. Loop thread only.
struct ServedCall {
  CancelScope scope = {};
  bool cancel_requested = false;
  ActorRef cancelled_by = {};
  std::string reason = {};

  // Cancels the task; the first one who asks is the one who is told of. Also before the task has begun.
  void cancel(const ActorRef& by, const std::string& why);
};

// Who carries calls out. All in tasks of the server's nursery.
class CallHandler {
 public:
  virtual ~CallHandler() = default;
  // The identity calls are checked against and errors originate from.
  virtual const ActorRef& self() const = 0;
  // Runs the call inside call.scope and returns its value, or throws. Cancelled comes out only when something around it
  // is cancelled.
  virtual Value invoke(Invocation invocation, ServedCall& call) = 0;
  virtual ActorDescription describe() const = 0;
  virtual bool cancel_call(const std::string& call_id, const ActorRef& requested_by, const std::string& reason) = 0;
  virtual void cancel_actor(Clock::duration budget, const ActorRef& requested_by, const std::string& reason) = 0;
};

// Throws CallError(not_found) when a call is for another actor than this one; an empty id is for any.
void check_target(const std::string& wanted_id, const ActorRef& self);
// Throws CallError(resource_exhausted), naming function and sizes, when a message is too large to be sent.
void check_arguments_size(const std::string& function, std::size_t bytes);
void check_result_size(const std::string& function, std::size_t bytes);
void check_started_size(const std::string& function, std::size_t bytes);
void check_item_size(const std::string& function, std::size_t bytes);

}  // namespace tractor
