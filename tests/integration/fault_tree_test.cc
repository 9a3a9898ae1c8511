// kill -9 of a root or of an actor in the middle of a tree: nothing below it survives. The tree is another program
// here: this one as the scenario "tree", in a session of its own, five levels deep: root, a, a.1, a.1.1, and a.1.1.1,
// which is the one that waits, computes, or is stopped.
#include "work.h"

namespace tractor::test {
namespace {

class Trees : public TracedProcesses {
 protected:
  Process start_tree(const std::string& does) {
    Process root = Process::as("tree", {trace_.path(), does});
    EXPECT_TRUE(trace_.comes("a.1.1.1 begins") && trace_.comes("a.1.1 begins") && trace_.comes("a.1 begins") &&
                trace_.comes("a begins"))
        << trace_.text() << root.err();
    tree_ = descendants(root.pid());
    EXPECT_EQ(tree_.size(), 4u);
    if (does == "stops") {
      EXPECT_TRUE(eventually([&] { return process_state(pid_of("a.1.1.1")) == "T"; }));
    }
    return root;
  }
  pid_t pid_of(const std::string& who) const { return trace_.find(who + " begins")->pid; }

  // Nobody of the tree runs any more within the 3 s that are allowed.
  void expect_all_gone() {
    const auto survivors = [this] {
      std::string text;
      for (pid_t pid : tree_) {
        if (is_running(pid)) text += describe_process(pid) + "\n";
      }
      return text;
    };
    EXPECT_TRUE(eventually([&] { return survivors().empty(); }, within(3s))) << survivors();
  }

  void kill_root(const std::string& does) {
    Process root = start_tree(does);
    root.signal(SIGKILL);
    EXPECT_EQ(root.wait(), Exit{.signal = SIGKILL});
    expect_all_gone();
    reap_orphans();
    expect_next_start_sweeps();
  }

  void kill_in_the_middle(const std::string& who, const std::string& does) {
    Process root = start_tree(does);
    kill(pid_of(who), SIGKILL);
    expect_all_gone();
    EXPECT_EQ(root.wait(within(1s)), Exit{.code = 1});
    EXPECT_TRUE(contains(root.err(), "\"" + who + "\"") && contains(root.err(), "signal 9 (Killed)"));
  }

 private:
  std::set<pid_t> tree_;
};

TRACTOR_SCENARIO(tree) {
  return program->main([&] {
    open_nursery([&](ActorNursery& n) {
      n.run_in_actor("a", branch, arguments[0], "a", 3, arguments[1]);
      sleep_forever();
    });
  });
}

TEST_F(Trees, A37_nothing_survives_a_killed_root) { kill_root("waits"); }
TEST_F(Trees, A37_nothing_survives_a_killed_root_when_the_leaf_computes) { kill_root("computes"); }
TEST_F(Trees, A37_nothing_survives_a_killed_root_when_the_leaf_is_stopped) { kill_root("stops"); }
TEST_F(Trees, A37_nothing_survives_a_killed_root_when_every_actor_computes) { kill_root("computes+computes"); }

TEST_F(Trees, A37_nothing_survives_a_killed_root_whose_orphans_nobody_adopts) {
  // They go to the system's init. The scenario's own root is no ancestor of theirs any more, and we are none either.
  for (const std::string does : {"waits", "computes", "stops"}) {
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
    kill_root(does);
    std::ofstream(trace_.path(), std::ios::trunc);
  }
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

TEST_F(Trees, A37_nothing_survives_a_killed_actor_in_the_middle) { kill_in_the_middle("a.1", "waits"); }
TEST_F(Trees, A37_nothing_survives_a_killed_actor_in_the_middle_when_the_leaf_computes) {
  kill_in_the_middle("a.1", "computes");
}
TEST_F(Trees, A37_nothing_survives_a_killed_actor_in_the_middle_when_the_leaf_is_stopped) {
  kill_in_the_middle("a.1", "stops");
}
TEST_F(Trees, A37_nothing_survives_a_killed_actor_right_above_a_leaf_that_computes) {
  kill_in_the_middle("a.1.1", "computes");
}
TEST_F(Trees, A37_nothing_survives_a_killed_actor_right_above_a_stopped_leaf) { kill_in_the_middle("a.1.1", "stops"); }
TEST_F(Trees, A37_nothing_survives_a_killed_leaf) { kill_in_the_middle("a.1.1.1", "waits"); }

TEST_F(Trees, A37_nothing_survives_when_everyone_in_the_middle_is_killed_at_once) {
  Process root = start_tree("computes");
  for (const char* who : {"a", "a.1", "a.1.1"}) kill(pid_of(who), SIGKILL);
  expect_all_gone();
  EXPECT_EQ(root.wait(within(1s)), Exit{.code = 1});
  EXPECT_TRUE(contains(root.err(), "signal 9 (Killed)"));
}

TEST_F(Trees, A37_nothing_survives_when_root_and_middle_are_killed_at_once) {
  killed_a_root();
  Process root = start_tree("computes");
  root.signal(SIGKILL);
  kill(pid_of("a.1"), SIGKILL);
  expect_all_gone();
}

TEST_F(Trees, A37_nothing_survives_a_root_that_is_killed_while_an_actor_in_the_middle_is_stopped) {
  killed_a_root();
  Process root = start_tree("computes");
  kill(pid_of("a.1"), SIGSTOP);
  ASSERT_TRUE(eventually([&] { return process_state(pid_of("a.1")) == "T"; }));
  root.signal(SIGKILL);
  expect_all_gone();
}

TEST_F(Trees, A37_an_actor_that_lost_its_parent_unwinds_first) {
  killed_a_root();
  Process root = start_tree("waits");
  root.signal(SIGKILL);
  expect_all_gone();
  for (const char* who : {"a", "a.1", "a.1.1", "a.1.1.1"})
    EXPECT_TRUE(trace_.has(std::string(who) + " ends")) << trace_.text();
}

void define(Program& program) { define_work(program); }

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
