#include "arbiter/follow.h"

#include "runtime/metrics/metrics.h"
#include "runtime/wire/actor_info_codec.h"

namespace tractor::arbiter {
namespace {

class Follower {
 public:
  Follower(Store& store, WatchCall& call) : store_(store), call_(call), epoch_(store.epoch()) {}

  void run() {
    const View& view = store_.view();
    if (call_.request.epoch().empty()) {
      position_ = view.log_end();
      if (!write_snapshot(view.list(call_.request.namespace_()), view.revision())) return;
    } else {
      const auto position = view.position_after(call_.request.revision());
      if (!position || call_.request.epoch() != epoch_) return start_over();
      position_ = *position;
    }
    while (write_next()) {
    }
  }

 private:
  // All at one revision, though others change the view while it is written.
  bool write_snapshot(std::vector<View::Found> actors, std::uint64_t revision) {
    for (View::Found& found : actors) {
      v1::WatchResponse response = message(revision);
      *response.mutable_added() = encode(*found.actor);
      found.actor.reset();
      if (!write(response)) return false;
    }
    v1::WatchResponse end = message(revision);
    end.set_snapshot_end(true);
    return write(end);
  }

  bool write_next() {
    const View& view = store_.view();
    store_.changed().wait_until("a change of the registry", [&] { return view.log_end() > position_; });
    if (position_ < view.log_begin() || store_.epoch() != epoch_) {
      start_over();
      return false;
    }
    const View::Event event = view.event(position_++);  // a copy: writing takes time
    if (event.actor_namespace != call_.request.namespace_()) return true;
    v1::WatchResponse response = message(event.resume);
    *(event.added ? response.mutable_added() : response.mutable_removed()) = encode(*event.actor);
    if (!write(response)) return false;
    metrics::watcher_told(std::chrono::steady_clock::now() - event.at);
    return true;
  }

  void start_over() {
    v1::WatchResponse response = message(store_.view().revision());
    response.set_epoch(store_.epoch());
    response.set_start_over(true);
    write(response);
  }

  // Who reads slowly is not waited for when the arbiter ends.
  bool write(const v1::WatchResponse& response) {
    throw_if_cancelled();
    return call_.write(response);
  }

  v1::WatchResponse message(std::uint64_t revision) {
    v1::WatchResponse response;
    response.set_epoch(epoch_);
    response.set_revision(revision);
    return response;
  }

  Store& store_;
  WatchCall& call_;
  const std::string epoch_;
  std::uint64_t position_ = 0;
};

}  // namespace

void follow(Store& store, WatchCall& call) { Follower(store, call).run(); }

}  // namespace tractor::arbiter
