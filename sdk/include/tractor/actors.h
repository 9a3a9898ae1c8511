// This actor, and finding others by their names. Loop thread only; what asks the arbiter is a checkpoint and throws
// RemoteActorError (unavailable) when the arbiter does not answer.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/wire/actor_info.h"
#include "tractor/portal.h"

namespace tractor {

// The actor that this code runs in. UsageError outside a running program.
class CurrentActor {
 public:
  const std::string& name() const;
  const std::string& id() const;
  // As others see it.
  const ActorInfo& info() const;
  // This actor's state, shared by all its tasks; a child's starts with what ActorOptions gave it.
  Value::Map& statespace() const;
  // Runs `callback` when the actor ends: after its function, its calls and its children have ended, whether they
  // returned, threw or were cancelled; not when the process is killed. The last one added runs first. It runs as a
  // task: it may wait, shielded from the cancellation, within what is left of the actor's budget; what it throws goes
  // to the log.
  void at_exit(std::function<void()> callback) const;
  // While a call or a dialog waits for its answer, this actor's loop looks for it this long before it sleeps: a core is
  // busy meanwhile, and a short call takes less time (100 us: 36 us instead of 44, call_spin_p50_us). Zero, the
  // default: not at all. It adapts: where answers take longer it is tried ever more seldom. No effect on a machine with
  // one core.
  void spin_for_replies(Clock::duration duration) const;
};
CurrentActor current_actor();

// The newest actor of that name; empty when there is none.
std::optional<Portal> find_actor(const std::string& name);
// All of that name that have all the labels, newest first.
std::vector<Portal> find_actors(const std::string& name, const std::map<std::string, std::string>& labels = {});
// Parks until there is one. Bound it with fail_after where that may never be.
Portal wait_for_actor(const std::string& name);
// What the arbiter knows of it, without connecting.
std::optional<ActorInfo> query_actor(const std::string& name);
// Everyone, by name, newest first.
std::vector<ActorInfo> list_actors();
// The actor that hosts the arbiter.
Portal get_arbiter();

}  // namespace tractor
