#include "tractor/named_portal.h"

#include <algorithm>

#include "runtime/actor/runtime.h"
#include "runtime/log.h"
#include "runtime/process/child.h"
#include "runtime/task/scheduler.h"
#include "runtime/wire/peer.h"
#include "sdk/arbiter_access.h"

namespace tractor {
namespace {

// The registry may name one that is gone for a moment; how often it is asked meanwhile.
constexpr Clock::duration kFirstPause = std::chrono::milliseconds(5);
constexpr Clock::duration kLongestPause = std::chrono::milliseconds(500);

// Even of a child of this process one of its own: its nursery's says what the child died of, also where that was before
// the call, which may be made again.
std::shared_ptr<Peer> peer_of(const ActorInfo& info) {
  Runtime& runtime = Runtime::current();
  auto peer = std::make_shared<Peer>(runtime.wire(), ActorRef{.name = info.name, .id = info.id}, info.addresses);
  if (const std::shared_ptr<Child> child = runtime.supervision().child_with(info.id)) {
    Peer::Owner owner = child->owner_of_peers();
    owner.post_mortem = [child, of_child = std::move(owner.post_mortem)](ErrorInfo failure) {
      return failure.executed == Executed::no ? nullptr : of_child(std::move(failure));
    };
    peer->set_owner(std::move(owner));
  }
  return peer;
}

}  // namespace

NamedPortal::NamedPortal(std::string name, FindOptions options)
    : name_(std::move(name)), options_(std::move(options)) {}

Portal NamedPortal::portal() {
  std::shared_ptr<Peer> peer = known_;
  if (peer == nullptr || peer->lost()) known_ = peer = peer_of(wait_for_actor_info(name_, options_));
  return {std::move(peer), nullptr};
}

Portal NamedPortal::Attempts::next() {
  if (pause_ > Clock::duration::zero()) sleep(pause_);
  pause_ = std::clamp(2 * pause_, kFirstPause, kLongestPause);
  Portal actor = named_.portal();
  tried_ = actor.id();
  return actor;
}

bool NamedPortal::Attempts::again(const RemoteActorError& why) {
  if (tried_ == Runtime::current().actor().self().id) return false;
  const bool gone = why.kind() == ErrorKind::unavailable;
  // Its address is another's: that one says so. What a function passes on came through the actor that was called.
  const bool moved = why.kind() == ErrorKind::not_found && why.origin().id != tried_ && why.relay_path().empty();
  if (!gone && !moved) return false;
  if (named_.known_ != nullptr && named_.known_->actor().id == tried_) named_.known_ = nullptr;
  if (gone && why.executed() != Executed::no) return false;
  if (!told_ && pause_ >= kLongestPause) {
    log::warning("calls of \"" + named_.name_ + "\" still wait for an actor of that name that answers: " + why.what());
    told_ = true;
  }
  return true;
}

}  // namespace tractor
