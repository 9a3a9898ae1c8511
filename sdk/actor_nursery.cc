#include "tractor/actor_nursery.h"

#include "runtime/process/child.h"
#include "runtime/wire/peer.h"

namespace tractor {

namespace {

ChildSpec spec_of(std::string name, ActorOptions options) {
  return {.name = std::move(name),
          .modules = options.modules.get(),
          .statespace = std::move(options.statespace),
          .labels = std::move(options.labels),
          .budget = options.budget};
}

}  // namespace

Portal ActorNursery::start(std::string name, ActorOptions options, std::optional<std::string> function,
                           Value::List arguments) {
  ChildSpec spec = spec_of(std::move(name), std::move(options));
  spec.function = std::move(function);
  spec.arguments = std::move(arguments);
  const std::shared_ptr<Child> child = core_.start(std::move(spec));
  return {child->peer(), child};
}

std::pair<Portal, std::unique_ptr<RemoteStream>> ActorNursery::start_generator(std::string name, ActorOptions options,
                                                                               const Function& function,
                                                                               Value::List arguments) {
  ChildSpec spec = spec_of(std::move(name), std::move(options));
  spec.modules.push_back(function.module);
  spec.function = function.qualified_name;
  spec.streams = true;
  const std::shared_ptr<Child> child = core_.start(std::move(spec));
  try {
    std::unique_ptr<RemoteStream> stream =
        child->peer()->open_stream(function.qualified_name, {.positional = std::move(arguments)}, kDefaultItemRoom);
    stream->on_end([child](std::exception_ptr error) { child->settle(std::move(error)); });
    return {Portal(child->peer(), child), std::move(stream)};
  } catch (...) {
    child->release("its generator could not be started");  // nothing else would end it
    throw;
  }
}

}  // namespace tractor
