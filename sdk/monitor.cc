#include "tractor/monitor.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "runtime/actor/runtime.h"
#include "runtime/process/child.h"
#include "runtime/wire/error_info.h"
#include "runtime/wire/peer.h"

namespace tractor {
namespace {

// Of a child that has ended.
Down end_of(const Child& child) {
  Down down{.actor = child.actor(), .error = child.failure()};
  if (down.error == nullptr) {
    if (child.returned()) return down;
    const ActorRef& self = Runtime::current().actor().self();
    down.reason = Down::Reason::cancelled;
    down.cancelled_by = to_string(child.released_by() == ActorRef{} ? self : child.released_by());
    return down;
  }
  down.reason = Down::Reason::error;
  try {
    std::rethrow_exception(down.error);
  } catch (const RemoteActorError& error) {
    // Of this child: it may have failed with the death of one of its own.
    const auto signal = error.info().attributes.find(kSignal);
    if (is_death_of(child.actor(), error.info()) && signal != error.info().attributes.end() &&
        absl::SimpleAtoi(signal->second, &down.signal))
      down.reason = Down::Reason::killed;
  } catch (...) {
  }
  return down;
}

// Of an actor elsewhere; waits for it.
Down end_of(Peer& peer) {
  PeerEnd end = peer.wait_end();
  if (end.said_goodbye) return {.actor = peer.actor()};
  return {.actor = peer.actor(), .reason = Down::Reason::unreachable, .error = exception_for(std::move(end.error))};
}

}  // namespace

std::string to_string(Down::Reason reason) {
  switch (reason) {
    case Down::Reason::ended:
      return "ended";
    case Down::Reason::cancelled:
      return "cancelled";
    case Down::Reason::error:
      return "error";
    case Down::Reason::killed:
      return "killed";
    case Down::Reason::unreachable:
      return "unreachable";
  }
  return "unknown";
}

Monitor::Monitor(std::shared_ptr<Peer> peer, std::shared_ptr<Child> child, std::function<void(const Down&)> callback) {
  std::string name = "monitor of " + peer->actor().name;
  task_ = std::make_unique<BackgroundTask>(
      std::move(name), [peer = std::move(peer), child = std::move(child), callback = std::move(callback)] {
        if (child != nullptr) child->wait_ended();
        callback(child != nullptr ? end_of(*child) : end_of(*peer));
      });
  task_->shield();
}

void Monitor::close() {
  if (task_ != nullptr) task_->end();
}

Monitor Portal::monitor(std::function<void(const Down&)> callback) const {
  Runtime& runtime = Runtime::current();
  if (peer_->actor().id == runtime.actor().self().id) {
    throw UsageError("monitor: actor \"" + name() +
                     "\" cannot be told of its own end; current_actor().at_exit() runs something then");
  }
  return {peer_, child_ != nullptr ? child_ : runtime.supervision().child_with(peer_->actor().id), std::move(callback)};
}

Monitor Portal::monitor(SendChannel<Down> channel) const {
  return monitor([channel = std::make_shared<SendChannel<Down>>(std::move(channel))](const Down& down) {
    try {
      channel->send(down);
    } catch (const BrokenError&) {  // nobody wants to know
    }
    channel->close();
  });
}

}  // namespace tractor
