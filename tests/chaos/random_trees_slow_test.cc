#include "forest.h"

namespace tractor::test {
namespace {

TRACTOR_SCENARIO(forest) { return forest_main(arguments); }

class RandomTreesSlow : public Forest, public testing::WithParamInterface<int> {};

// 200 seeds, from 100 on; a sanitizer gets some of them.
TEST_P(RandomTreesSlow, survive_random_faults) {
  expect_survival(100 + static_cast<std::uint64_t>(GetParam()) * 25, kSanitized ? 5 : 25);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomTreesSlow, testing::Range(0, 8));

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define_forest)
