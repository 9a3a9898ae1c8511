// The first scene, 30 times.
#include "first_scene.h"

namespace tractor::test {

using FirstScene = RealProcesses;
constexpr int kTakes = 30 / kSlowness;

TEST_F(FirstScene, A10_ends_with_either_actor_delayed) {
  for (int take = 0; take < kTakes; ++take) run(direct, take);
}

TEST_F(FirstScene, A10_ends_with_either_actor_delayed_take_after_take_in_one_run) {
  run([] {
    for (int take = 0; take < kTakes; ++take) direct(take);
  });
}

}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define_scene)
