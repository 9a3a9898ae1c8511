// Where registrations are kept: in memory (registry.h), or in etcd (etcd_store.h), which several arbiters share.
//
// Registrations are held by whoever made them, a tree of actors, and end with their holder. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "arbiter/view.h"
#include "runtime/task/condition.h"
#include "runtime/task/task_nursery.h"
#include "runtime/wire/remote_error.h"

namespace tractor {
class CompletionQueuePort;
}

namespace tractor::arbiter {

// The holder was not heard of for too long: it must register again, under a new holder, because someone may have been
// told that its actors are gone.
class LeaseExpired : public CallError {
 public:
  LeaseExpired()
      : CallError(ErrorKind::unavailable,
                  "the lease of this registration has expired, for lack of heartbeats: register again") {}
};

// The same actor is registered as a newer incarnation.
class OlderIncarnation : public CallError {
 public:
  OlderIncarnation(const ActorInfo& actor, std::uint64_t registered)
      : CallError(ErrorKind::failed_precondition, "actor " + actor.id + " is registered as incarnation " +
                                                      std::to_string(registered) + " already, " +
                                                      std::to_string(actor.incarnation) + " is older") {}
};

// Another actor has the name, exclusively.
class NameClaimed : public CallError {
 public:
  explicit NameClaimed(const ActorInfo& holder)
      : CallError(ErrorKind::failed_precondition, "the name \"" + holder.name + "\" is claimed by actor " + holder.id +
                                                      " (process " + std::to_string(holder.pid) + " on " + holder.host +
                                                      ")") {}
};

// It could not be reached for too long when the arbiter started.
class StoreUnreachable : public Error {
 public:
  using Error::Error;
};

class Store {
 public:
  using Holder = View::Holder;
  virtual ~Store() = default;

  // Starts the tasks that it needs, in `nursery`, and returns when the view is there. A checkpoint; StoreUnreachable.
  virtual void start(TaskNursery& nursery, CompletionQueuePort& port) = 0;

  // What is registered now: nobody is in it who was reported gone.
  virtual View& view() = 0;
  // Notified with every change of the view.
  Condition& changed() { return changed_; }
  // Revisions are comparable while this is the same.
  virtual const std::string& epoch() const = 0;
  // The view may be out of date, and nothing can be registered.
  virtual bool stale() const = 0;

  // A new holder for registrations in that namespace. They end with drop(); also when it was neither renewed nor used
  // for `ttl`, unless that is zero: then `on_expired` is called once, on the loop, and must not wait. A checkpoint;
  // CallError(unavailable) when the store is away, here and below, and LeaseExpired below.
  virtual Holder open(const std::string& actor_namespace, Clock::duration ttl, std::function<void()> on_expired) = 0;
  // How long registrations may go on that are not renewed, of a holder with that `ttl`: when it is zero, in case that
  // the arbiter ends before it drops them.
  virtual Clock::duration lease(Clock::duration ttl) const = 0;
  // Registers; replaces what was registered under the same id, whoever held it, unless that is a newer incarnation. The
  // view has it on return. A checkpoint; OlderIncarnation, NameClaimed for an exclusive one where there is another of
  // that name. Returns the fencing token of an exclusive one, else 0: as long as it is registered it stays the same,
  // and the next one's is larger.
  virtual std::uint64_t add(Holder holder, ActorInfo actor) = 0;
  // Of no effect when the holder has no such registration. The view has lost it on return. A checkpoint.
  virtual void remove(Holder holder, const std::string& actor_id) = 0;
  // A sign of life, and how many calls its actors serve; those left out serve none. `renewed` is called, on the loop,
  // when the lease goes on for its whole time again; not when the holder ends before, or is renewed anew. Not a
  // checkpoint.
  virtual void renew(Holder holder, const std::map<std::string, std::uint32_t>& calls_in_flight,
                     std::function<void()> renewed) = 0;
  // Ends the holder, and all its registrations now: the view has lost them on return. When the store is away they end
  // when their time is over. A checkpoint.
  virtual void drop(Holder holder) = 0;
  // Its connection is lost: its registrations end when their time is over. Not a checkpoint.
  virtual void abandon(Holder holder) = 0;

 private:
  Condition changed_;
};

}  // namespace tractor::arbiter
