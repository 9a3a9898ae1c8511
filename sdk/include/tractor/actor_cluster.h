// Several actors of one kind, for as long as a block runs.
//
//   tractor::open_actor_cluster("worker", 4, {.modules = {"work"}},
//                               [&](std::vector<tractor::Portal>& workers) { ... });
// They are started at once and cancelled when the body ends. Loop thread only. The rules are those of an actor nursery.
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/task/gather.h"
#include "tractor/actor_nursery.h"

namespace tractor {

// Runs body(portals) with `count` actors, "NAME0" and so on, that serve the modules of `options`; returns the body's
// value and throws what failed. UsageError when `count` is negative. A checkpoint.
template <class F>
requires(std::is_invocable_v<F&, std::vector<Portal>&>) auto open_actor_cluster(const std::string& name, int count,
                                                                                const ActorOptions& options, F&& body) {
  if (count < 0) throw UsageError("open_actor_cluster: there cannot be " + std::to_string(count) + " actors");
  return open_nursery([&](ActorNursery& nursery) {
    std::vector<std::function<Portal()>> starts;
    for (int i = 0; i < count; ++i)
      starts.emplace_back([&, i] { return nursery.start_actor(name + std::to_string(i), options); });
    std::vector<Portal> actors = gather(std::move(starts));
    if constexpr (std::is_void_v<std::invoke_result_t<F&, std::vector<Portal>&>>) {
      body(actors);
      nursery.cancel();
    } else {
      auto value = body(actors);
      nursery.cancel();
      return value;
    }
  });
}

}  // namespace tractor
