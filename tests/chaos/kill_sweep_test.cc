// A sweep: kill -9 at every stage of a tree's life x every position in the tree. After each nothing is left, and each
// cell proves that its kill landed in its stage.
//
// The tree: root -> middle -> { leaf, sibling }. The stage is the leaf's: it notes that it has come there and stays
// until something ends it, which it notes, too, if it still can; middle and root wait for it.
#include <iomanip>

#include "tests/integration/harness.h"
#include "tests/integration/trace.h"

namespace tractor::test {
namespace {

constexpr const char* kBlockedStart = "SWEEP_BLOCKED_START";

void up(const std::string& trace, const std::string& name) { note(trace, "up " + name); }

// Stays in its stage until cancelled, or the process is killed.
void stay(const std::string& trace, const std::string& stage) {
  const NoteAtEnd left(trace, "left");
  note(trace, stage);
  sleep_forever();
}
void serving(const std::string& trace) { stay(trace, "serving"); }
void streaming(Yield<int>& yield, const std::string& trace) {
  const NoteAtEnd left(trace, "left");
  for (int i = 0;; ++i) {
    if (i == 100) note(trace, "streaming");
    yield(i);
    tractor::sleep(1ms);
  }
}
// Cleans up when it is cancelled, for longer than it has.
void cancelling(const std::string& trace) {
  note(trace, "can be cancelled");
  try {
    sleep_forever();
  } catch (const Cancelled&) {
    CancelScope({.shield = true}).run([&] { stay(trace, "cancelling"); });
  }
}
void arrange_ending(const std::string& trace) {
  current_actor().at_exit([trace] { stay(trace, "ending"); });
}

void middle(const std::string& stage, const std::string& trace) {
  const ActorOptions options{.modules = {"sweep"}, .budget = 1s};
  up(trace, "middle");
  open_nursery([&](ActorNursery& n) {
    Portal sibling = n.start_actor("sibling", options);
    sibling.run(up, trace, "sibling");
    if (stage == "cancelling") sibling.run(arrange_ending, trace + ".sibling");  // or it is gone before the kill
    if (stage == "spawning") setenv(kBlockedStart, trace.c_str(), 1);
    Portal leaf = n.start_actor("leaf", options);
    leaf.run(up, trace, "leaf");
    if (stage == "serving") leaf.run(serving, trace);
    if (stage == "cancelling") leaf.run(cancelling, trace);
    if (stage == "ending") {
      leaf.run(arrange_ending, trace);
      leaf.cancel_actor();
    }
    if (stage == "streaming") {
      for ([[maybe_unused]] int item : leaf.run(streaming, trace)) {
      }
    }
  });
}

void define(Program& p) {
  if (const char* trace = std::getenv(kBlockedStart)) {
    note(trace, "up leaf");
    note(trace, "spawning");
    while (true) pause();
  }
  p.module("sweep")
      .def("up", up)
      .def("serving", serving)
      .def("streaming", streaming)
      .def("cancelling", cancelling)
      .def("arrange_ending", arrange_ending)
      .def("middle", middle);
}

// The root, which outlives what happens below it and then looks at what that has left.
TRACTOR_SCENARIO(tree) {
  const std::string& stage = arguments.at(0);
  const std::string& trace = arguments.at(1);
  return program->main([&] {
    up(trace, "root");
    open_nursery([&](ActorNursery& n) {
      n.start_actor("warm-up");
      n.cancel();
    });
    const std::size_t descriptors = open_descriptors().size();
    try {
      open_nursery([&](ActorNursery& n) { n.run_in_actor("middle", {.budget = 2s}, middle, stage, trace).result(); });
    } catch (const std::exception& e) {
      std::cout << "failed: " << e.what() << std::endl;
    }
    const bool clean = child_pids().empty() && CancelScope({.shield = true}).run([&] {
      return eventually([&] { return open_descriptors().size() <= descriptors; }, 15s);
    });
    std::cout << (clean ? "clean" : "something is left") << std::endl;
    return 1;
  });
}

class KillSweep : public TracedProcesses {
 protected:
  static constexpr std::array kPositions = {"root", "middle", "leaf", "sibling"};

  // One row of the matrix.
  void sweep(const std::string& stage) {
    std::cout << std::left << std::setw(12) << stage;
    for (const std::string position : kPositions) {
      SCOPED_TRACE(stage + " x " + position);
      const Trace trace(scratch_ / position);
      kill_in_stage(stage, position, trace);
    }
    std::cout << std::endl;
    expect_next_start_sweeps();
  }

 private:
  void kill_in_stage(const std::string& stage, const std::string& position, const Trace& trace) {
    Process root = Process::as("tree", {stage, trace.path()});
    if (stage == "cancelling") {
      ASSERT_TRUE(trace.comes("can be cancelled")) << root.err();
      root.signal(SIGTERM);
    }
    ASSERT_TRUE(trace.comes(stage)) << root.err();
    const pid_t victim = trace.find("up " + position).value().pid;
    ASSERT_TRUE(is_running(victim));
    ASSERT_FALSE(trace.has("left"));
    const auto killed_at = monotonic_now();
    kill(victim, SIGKILL);

    const std::optional<Exit> exit = root.wait();
    const bool is_empty = eventually([&] { return reap_orphans({root.pid()}), child_pids().empty(); }, within(3s));
    const auto took = monotonic_now() - killed_at;
    EXPECT_TRUE(is_empty) << "left: " << describe_process(*descendants().begin());
    EXPECT_LT(took, within(3s));
    std::cout << position << ' ' << std::setw(4) << took / 1ms << " ms  " << std::flush;

    // It landed: the leaf had not left its stage by then.
    const auto left = trace.find("left");
    EXPECT_TRUE(!left || left->at > killed_at) << trace.text();
    // Who could still tell has told.
    if (position == "root") {
      EXPECT_EQ(exit, Exit{.signal = SIGKILL});
      return;
    }
    EXPECT_EQ(exit, Exit{.code = 1}) << root.out() << root.err();
    EXPECT_TRUE(contains(root.out(), "clean"));
    EXPECT_TRUE(contains(root.out(), "\"" + position + "\""));
    EXPECT_TRUE(contains(root.out(), "signal 9"));
  }
};

TEST_F(KillSweep, A43_spawning) { sweep("spawning"); }
TEST_F(KillSweep, A43_serving) { sweep("serving"); }
TEST_F(KillSweep, A43_streaming) { sweep("streaming"); }
TEST_F(KillSweep, A43_cancelling) { sweep("cancelling"); }
TEST_F(KillSweep, A43_ending) { sweep("ending"); }

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
