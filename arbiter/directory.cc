#include "arbiter/directory.h"

#include <grpcpp/channel.h>

#include "absl/strings/str_cat.h"
#include "arbiter/addresses.h"
#include "arbiter/tree_registrar.h"
#include "runtime/log.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/task_nursery.h"
#include "runtime/wire/actor_info_codec.h"
#include "runtime/wire/completion_queue.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/error_info.h"
#include "tractor/v1/arbiter.grpc.pb.h"

namespace tractor::arbiter {

Directory::Directory(const WireContext& wire, const std::string& addresses, std::string actor_namespace)
    : wire_(wire), addresses_(parse_addresses(addresses)), namespace_(std::move(actor_namespace)) {}

void Directory::follow() {
  std::minstd_rand random{std::random_device()()};
  for (std::size_t i = 0;; ++i) {
    const std::string& address = addresses_[i % addresses_.size()];
    const std::string why = follow_one(address);
    throw_if_cancelled();
    if (!std::exchange(stale_, true)) {
      log::warning(absl::StrCat("the arbiter at ", address, " tells of no changes any more (", why,
                                "): what is found may be out of date until it is back"));
      changed_.notify();
    }
    sleep(reconnect_pause(++failures_, random));
  }
}

std::string Directory::follow_one(const std::string& address) {
  const auto stub = v1::ArbiterService::NewStub(open_channel(address, wire_.unreachable_after));
  grpc::ClientContext context;
  add_metadata(context, wire_, address);
  const auto cancel = [&] { context.TryCancel(); };
  v1::WatchRequest request;
  request.set_namespace_(namespace_);
  const auto stream = stub->PrepareAsyncWatch(&context, request, wire_.port->queue());
  Operation opened("the arbiter's changes to be told");
  stream->StartCall(opened.tag());
  bool ok = opened.wait(cancel);
  std::vector<View::Change> snapshot;
  bool over = false;
  // One of several that does not answer must not keep us from the next.
  const auto give_up_when_silent = [&] {
    for (std::size_t before = 0; addresses_.size() > 1; before = snapshot.size()) {
      move_on_after(kConnectTimeout,
                    [&] { changed_.wait_until("the registry to be told", [&] { return over || !stale_; }); });
      if (over || !stale_) return;
      if (snapshot.size() == before) return context.TryCancel();
    }
  };
  open_task_nursery([&](TaskNursery& tasks) {
    tasks.start_soon([&] { CancelScope({.shield = true}).run(give_up_when_silent); });  // ends with the stream
    while (ok) {
      v1::WatchResponse response;
      Operation read("a change of the registry");
      stream->Read(&response, read.tag());
      ok = read.wait(cancel);
      if (!ok || response.start_over()) break;
      View::Change change{.actor_namespace = namespace_, .added = nullptr, .removed_id = response.removed().actor_id()};
      if (response.has_added()) change.added = std::make_shared<const ActorInfo>(decode(response.added()));
      if (response.snapshot_end()) {
        view_.reset(snapshot, view_.revision() + 1);
        snapshot.clear();
        complete_ = true;
        stale_ = false;
        failures_ = 0;
      } else if (stale_) {
        snapshot.push_back(std::move(change));
        continue;
      } else {
        view_.apply({std::move(change)}, view_.revision() + 1);
      }
      changed_.notify();
    }
    over = true;
    changed_.notify();
  });
  if (ok) context.TryCancel();  // it starts over
  grpc::Status status;
  Operation finished("the end of the arbiter's changes");
  stream->Finish(&status, finished.tag());
  finished.wait(cancel);
  throw_if_cancelled();
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return "it ended them";
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::CANCELLED:
      return status.error_message();
    default:
      if (complete_ || failures_ + 1 < static_cast<int>(addresses_.size())) return status.error_message();
      std::rethrow_exception(exception_for(from_status(status, {.name = "arbiter"})));
  }
}

}  // namespace tractor::arbiter
