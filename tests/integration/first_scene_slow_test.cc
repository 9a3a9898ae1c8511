// The first scene, 1,000 times.
#include <unistd.h>

#include "first_scene.h"

namespace tractor::test {

using FirstSceneSlow = RealProcesses;

TEST_F(FirstSceneSlow, A10_ends_a_thousand_times_with_either_actor_delayed) {
  alarm(1500);  // 45 s on two idle cores; the harness' own limit is for tests that are not labelled slow
  const int takes = 1000 / kSlowness;
  for (int take = 0; take < takes; ++take) run(direct, take);
}

}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define_scene)
