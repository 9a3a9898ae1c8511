// Random trees under random faults: 15, with sanitizers 4; TREE_SEEDS (tests/run.sh --tree-seeds) asks for more, 200 say.
#include "forest.h"

namespace tractor::test {
namespace {

TRACTOR_SCENARIO(forest) { return forest_main(arguments); }

using RandomTrees = Forest;

// Each kind of fault must have happened, but for a sanitizer, which gets fewer trees.
TEST_F(RandomTrees, survive_random_faults) {
  const char* wanted = std::getenv("TREE_SEEDS");
  const unsigned seeds = wanted == nullptr ? (kSanitized ? 4 : 15) : std::stoul(wanted);
  alarm(seeds * 5 * kSlowness + kTestLimitSeconds);
  std::map<std::string, int> faults;
  std::size_t actors = 0;
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    const Outcome outcome = play(seed);
    actors += outcome.actors;
    for (const auto& [kind, n] : outcome.faults) faults[kind] += n;
    EXPECT_TRUE(outcome.findings.empty()) << "seed " << seed << ": " << testing::PrintToString(outcome.findings)
                                          << "\nreplay with --gtest_filter=*replay FOREST_SEED=" << seed << "\n"
                                          << outcome.log;
  }
  std::cout << seeds << " trees, " << actors << " actors;";
  for (const std::string kind : {"delay", "drop", "duplicate", "break", "kill", "stop", "refuse"}) {
    std::cout << " " << kind << " " << faults[kind];
    EXPECT_TRUE(kSanitized || faults[kind] > 0) << kind << " never happened";
  }
  std::cout << std::endl;
}

// FOREST_SEED=n plays that tree alone, with its log.
TEST_F(RandomTrees, replay) {
  const char* seed = std::getenv("FOREST_SEED");
  const Outcome outcome = play(seed == nullptr ? 1 : std::stoull(seed));
  if (seed != nullptr) std::cout << outcome.log;
  EXPECT_TRUE(outcome.findings.empty()) << testing::PrintToString(outcome.findings);
}

TEST_F(RandomTrees, a_plan_that_cannot_be_understood_is_named_before_anything_starts) {
  Process root = Process::as("forest", {"1", "/dev/null"}, {"TRACTOR_FAULT=crash=1"});
  EXPECT_EQ(root.wait(), Exit{.code = 2});
  EXPECT_TRUE(contains(root.err(), "TRACTOR_FAULT: \"crash=1\": the faults are delay, drop"));
}

TEST_F(RandomTrees, the_oracle_finds_a_process_that_was_left_behind_each_time) {
  for (int round = 0; round < 2; ++round) {
    const Outcome outcome = play(3, "leak");
    ASSERT_FALSE(outcome.findings.empty());
    EXPECT_TRUE(contains(outcome.findings.front(), "a process is left"));
    EXPECT_TRUE(contains(outcome.findings.front(), "sleep 30"));
  }
}

TEST_F(RandomTrees, the_oracle_finds_a_notice_that_was_lost_each_time) {
  for (int round = 0; round < 2; ++round) {
    const Outcome outcome = play(3, "lost notice");
    ASSERT_FALSE(outcome.findings.empty());
    EXPECT_TRUE(contains(outcome.findings.front(), "notices that are missing"));
  }
}

TEST_F(RandomTrees, the_oracle_finds_a_call_that_never_ended_each_time) {
  for (int round = 0; round < 2; ++round) {
    const Outcome outcome = play(3, "lost end");
    ASSERT_FALSE(outcome.findings.empty());
    EXPECT_TRUE(contains(outcome.findings.front(), "call 1 never ended"));
  }
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define_forest)
