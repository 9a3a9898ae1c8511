// How soon everyone is back at an arbiter that was killed and started anew.
#include <tractor/tractor.h>

#include <optional>

#include "../samples.h"
#include "arbiter/client.h"
#include "arbiter/tree_registrar.h"
#include "arbiters.h"
#include "measurements.h"
#include "runtime/actor/runtime.h"

namespace bench {
namespace {

using namespace tractor;

constexpr int kTrees = 50;
constexpr int kActorsPerTree = 100;

// Trees of actors, all in this process, which keep themselves registered.
class Forest {
 public:
  // The tasks end before the forest does.
  void plant(TaskNursery& tasks, const std::string& address) {
    for (int tree = 0; tree < kTrees; ++tree) {
      trees_.push_back(
          std::make_unique<arbiter::TreeRegistrar>(Runtime::current().wire(), address, std::string(), [] {}));
      trees_.back()->start(tasks);
      for (int i = 0; i < kActorsPerTree; ++i) {
        const std::string name = Population::name(tree * kActorsPerTree + i);
        trees_.back()->add({.name = name, .id = name, .incarnation = 1, .addresses = {"unix:/of/" + name}});
      }
    }
  }

 private:
  std::vector<std::unique_ptr<arbiter::TreeRegistrar>> trees_;
};

std::size_t listed(arbiter::Client& client) {
  try {
    return client.list().size();
  } catch (const RemoteActorError&) {
    return 0;  // it is only just being started
  }
}

}  // namespace

Measurement reregistration() {
  return {.figures = {{"reregister_5k_s", "s", 10.0, "until 5,000 actors are back at an arbiter that was killed"}},
          .run = [](const Settings& settings) {
            const std::string socket = settings.directory + "/again.sock";
            std::optional<Arbiter> arbiter(socket);
            Forest forest;
            return open_task_nursery([&](TaskNursery& tasks) {
              forest.plant(tasks, arbiter->address());
              const Values values = medians(settings, settings.rounds, [&] {
                arbiter.reset();
                const Stopwatch all;
                arbiter.emplace(socket);
                arbiter::Client client(Runtime::current().wire(), arbiter->address(), "");
                while (listed(client) < kTrees * kActorsPerTree) tractor::sleep(std::chrono::milliseconds(20));
                const double seconds = all.seconds();
                for (int i = 0; i < kTrees * kActorsPerTree; ++i) {
                  if (!client.pick(Population::name(i))) throw Error(Population::name(i) + " is not found again");
                }
                return Values{{"reregister_5k_s", seconds}};
              });
              tasks.cancel_scope().cancel();
              return values;
            });
          }};
}

}  // namespace bench
