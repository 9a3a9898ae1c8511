// For who finds actors all the time: a copy of the registry in this process.
//
//   tractor::open_task_nursery([](tractor::TaskNursery& tasks) {
//     tractor::Directory directory(tasks);
//     ...
//     directory.find_actor("worker", {.pick = tractor::Pick::round_robin})->run(work);   // asks no arbiter
//   });
//
// It answers as the arbiter would that tells it of every change; what has just changed may be a moment late. While no
// arbiter can be reached it answers from what it has, and is stale. Loop thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arbiter/find_options.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/task_nursery.h"
#include "runtime/wire/actor_info.h"
#include "tractor/portal.h"

namespace tractor {

class Directory {
 public:
  // Starts the task that follows the registry, in `nursery`, and returns when the copy is complete: a checkpoint. It
  // waits for an arbiter as long as there is none; what is wrong otherwise fails the nursery.
  explicit Directory(TaskNursery& nursery);
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  // Cancels the task, and does not wait for it.
  ~Directory();

  // As the functions of actors.h do; no checkpoints. How busy actors are is not told: Pick::least_loaded gives everyone
  // a turn.
  std::optional<Portal> find_actor(const std::string& name, const FindOptions& options = {});
  std::vector<Portal> find_actors(const std::string& name, const FindOptions& options = {});
  std::vector<ActorInfo> list_actors();

  // Whether what it answers may be out of date, because no arbiter tells of changes.
  bool stale() const;
  // Parks until someone came or went, or stale() changed.
  void wait_for_change();

 private:
  struct Copy;
  std::shared_ptr<Copy> copy_;
};

}  // namespace tractor
