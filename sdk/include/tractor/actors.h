// This actor, and finding others by their names. Loop thread only.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "arbiter/find_options.h"
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
  // The fencing token of a root's claim (RunOptions::exclusive_name), else 0: larger than that of any claim before.
  // What several holders write to keeps the largest it has seen, and refuses smaller ones. It grows when the arbiter
  // has forgotten the claim and grants it again.
  std::uint64_t fencing_token() const;
  // This actor's state, shared by all its tasks; a child's starts with what ActorOptions gave it.
  Value::Map& statespace() const;
  // Runs `callback` when the actor ends: after its function, its calls and its children have ended, whether they
  // returned, threw or were cancelled; not when the process is killed. The last one added runs first. It runs as a
  // task: it may wait, shielded from the cancellation, within what is left of the actor's budget; what it throws goes
  // to the log.
  void at_exit(std::function<void()> callback) const;
  // This actor's loop looks for messages this long before it sleeps: a core is busy meanwhile, and an answer that comes
  // soon, or the next call, is found sooner. Most is won where both sides of a conversation do so (100 us: a call takes
  // 30 us instead of 45, call_spin_p50_us). Zero, the default: not at all. It adapts: where nothing comes for as long
  // it is tried ever more seldom. No effect on a machine with one core.
  void busy_poll(Clock::duration duration) const;
};
CurrentActor current_actor();

// What finds actors asks the arbiter, and is a checkpoint. While no arbiter answers, a question that was asked before
// has the same answer as then, with a warning in the log; found_is_stale() tells. Any other throws RemoteActorError
// (unavailable), but for wait_for_actor(), which waits for an arbiter, too. UsageError for names and labels that are
// not UTF-8.

// The newest actor of that name, or as the options say; empty when there is none.
//   find_actor("worker", {.labels = {{"zone", "a"}}, .pick = Pick::least_loaded})
std::optional<Portal> find_actor(const std::string& name, const FindOptions& options = {});
// All of that name that have all the labels, newest first.
std::vector<Portal> find_actors(const std::string& name, const FindOptions& options = {});
// Parks until there is one. Bound it with fail_after where that may never be.
Portal wait_for_actor(const std::string& name, const FindOptions& options = {});
// What the arbiter knows of it, without connecting.
std::optional<ActorInfo> query_actor(const std::string& name, const FindOptions& options = {});
// Whether what this process found last may be out of date, because no arbiter answered, or its store was away; of what
// query_actor() returns, ActorInfo::stale says it. Not a checkpoint.
bool found_is_stale();
// Everyone, by name, newest first. While no arbiter answers: RemoteActorError (unavailable).
std::vector<ActorInfo> list_actors();
// The actor that hosts the arbiter; of several, the one that answered last. Not a checkpoint.
Portal get_arbiter();

}  // namespace tractor
