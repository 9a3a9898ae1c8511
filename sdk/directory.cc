#include "tractor/directory.h"

#include "arbiter/directory.h"
#include "runtime/actor/runtime.h"
#include "sdk/arbiter_access.h"

namespace tractor {

Directory::Directory(TaskNursery& nursery) : scope_(std::make_shared<CancelScope>()) {
  Runtime& runtime = Runtime::current();
  copy_ = std::make_shared<arbiter::Directory>(runtime.wire(), runtime.arbiter_address(),
                                               runtime.supervision().options().actor_namespace);
  nursery.start_named("directory", [copy = copy_, scope = scope_] { scope->run([&] { copy->follow(); }); });
  copy_->changed().wait_until("the registry to be copied", [this] { return copy_->complete(); });
}

Directory::~Directory() { scope_->cancel(); }

std::optional<Portal> Directory::find_actor(const std::string& name, const FindOptions& options) {
  const auto found = copy_->view().pick(copy_->actor_namespace(), name, options, Clock::now());
  if (!found) return std::nullopt;
  return portal_to(*found->actor);
}

std::vector<Portal> Directory::find_actors(const std::string& name, const FindOptions& options) {
  std::vector<Portal> portals;
  for (const auto& found : copy_->view().find(copy_->actor_namespace(), name, options.labels))
    portals.push_back(portal_to(*found.actor));
  return portals;
}

std::vector<ActorInfo> Directory::list_actors() {
  std::vector<ActorInfo> actors;
  for (const auto& found : copy_->view().list(copy_->actor_namespace())) {
    actors.push_back(*found.actor);
    actors.back().stale = stale();
  }
  return actors;
}

bool Directory::stale() const { return copy_->stale(); }

void Directory::wait_for_change() {
  const std::uint64_t revision = copy_->view().revision();
  const bool stale = copy_->stale();
  copy_->changed().wait_until("a change of the registry",
                              [&] { return copy_->view().revision() != revision || copy_->stale() != stale; });
}

}  // namespace tractor
