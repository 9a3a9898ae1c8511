#include "tractor/directory.h"

#include <unordered_map>

#include "arbiter/directory.h"
#include "runtime/actor/runtime.h"
#include "sdk/arbiter_access.h"

namespace tractor {

// Its task keeps it, too.
struct Directory::Copy {
  explicit Copy(Runtime& runtime)
      : registry(runtime.wire(), runtime.arbiter_address(), runtime.supervision().options().actor_namespace) {}

  // To make one takes longer than to find whom it is for: they are kept until the next change.
  const Portal& portal(const ActorInfo& actor) {
    if (const std::uint64_t now = registry.view().revision(); now != revision) {
      portals.clear();
      revision = now;
    }
    const auto known = portals.find(&actor);
    return known != portals.end() ? known->second : portals.emplace(&actor, portal_to(actor)).first->second;
  }

  arbiter::Directory registry;
  CancelScope scope;
  std::unordered_map<const ActorInfo*, Portal> portals;  // of the view at that revision
  std::uint64_t revision = 0;
};

Directory::Directory(TaskNursery& nursery) : copy_(std::make_shared<Copy>(Runtime::current())) {
  nursery.start_named("directory", [copy = copy_] { copy->scope.run([&] { copy->registry.follow(); }); });
  try {
    copy_->registry.changed().wait_until("the registry to be copied", [this] { return copy_->registry.complete(); });
  } catch (...) {
    copy_->scope.cancel();
    throw;
  }
}

Directory::~Directory() { copy_->scope.cancel(); }

std::optional<Portal> Directory::find_actor(const std::string& name, const FindOptions& options) {
  arbiter::Directory& registry = copy_->registry;
  const auto found = registry.view().pick(registry.actor_namespace(), name, options, Clock::now());
  if (!found) return std::nullopt;
  return copy_->portal(*found->actor);
}

std::vector<Portal> Directory::find_actors(const std::string& name, const FindOptions& options) {
  arbiter::Directory& registry = copy_->registry;
  std::vector<Portal> portals;
  for (const auto& found : registry.view().find(registry.actor_namespace(), name, options.labels))
    portals.push_back(copy_->portal(*found.actor));
  return portals;
}

std::vector<ActorInfo> Directory::list_actors() {
  arbiter::Directory& registry = copy_->registry;
  std::vector<ActorInfo> actors;
  for (const auto& found : registry.view().list(registry.actor_namespace())) {
    actors.push_back(*found.actor);
    actors.back().stale = stale();
  }
  return actors;
}

bool Directory::stale() const { return copy_->registry.stale(); }

void Directory::wait_for_change() {
  arbiter::Directory& registry = copy_->registry;
  registry.changed().wait_until("a change of the registry",
                                [&, revision = registry.view().revision(), stale = registry.stale()] {
                                  return registry.view().revision() != revision || registry.stale() != stale;
                                });
}

}  // namespace tractor
