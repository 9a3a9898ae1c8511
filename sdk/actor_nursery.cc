#include "tractor/actor_nursery.h"

#include "runtime/process/child.h"

namespace tractor {

Portal ActorNursery::start(std::string name, ActorOptions options, std::optional<std::string> function,
                           Value::List arguments) {
  const std::shared_ptr<Child> child = core_.start({.name = std::move(name),
                                                    .modules = options.modules.get(),
                                                    .statespace = std::move(options.statespace),
                                                    .labels = std::move(options.labels),
                                                    .budget = options.budget,
                                                    .function = std::move(function),
                                                    .arguments = std::move(arguments)});
  return {child->peer(), child};
}

}  // namespace tractor
