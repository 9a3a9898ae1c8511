// A sweep: kill -9 at every stage of an actor's life x every position in the tree. After each nothing is left, and each
// cell proves that its kill landed in its stage.
//
// The tree: root -> middle -> { leaf, sibling }. One of root, middle and leaf holds the stage: it notes that it has
// come there and stays until something ends it, which it notes, too, if it still can. Each that lives then is killed in
// turn, the holder among them. A standing arbiter tells whether all of them are unlisted.
//
// SWEEP_ROUNDS=N (tests/run.sh --sweep-rounds) goes through it N times, and waits a random time in each stage.
#include <iomanip>
#include <random>
#include <thread>

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

// Brings an actor to its stage, and stays with it there.
void hold(const std::string& stage, Portal holder, const std::string& trace) {
  if (stage == "serving") holder.run(serving, trace);
  if (stage == "cancelling") holder.run(cancelling, trace);
  if (stage == "ending") {
    holder.run(arrange_ending, trace);
    holder.cancel_actor();
  }
  if (stage == "streaming") {
    for ([[maybe_unused]] int item : holder.run(streaming, trace)) {
    }
  }
}

// The next actor that starts here does not get beyond it.
void block_start_of(const std::string& name, const std::string& trace) {
  setenv(kBlockedStart, (name + " " + trace).c_str(), 1);
}

const ActorOptions kBelowMiddle{.modules = {"sweep"}, .budget = 1s};

// What is below the middle. Yields once that is up, or as far as it comes, and stays.
void subtree(Yield<bool>& yield, const std::string& stage, const std::string& holder, const std::string& trace) {
  open_nursery([&](ActorNursery& n) {
    Portal sibling = n.start_actor("sibling", kBelowMiddle);
    sibling.run(up, trace, "sibling");
    if (holder == "leaf" && stage == "cancelling") {
      sibling.run(arrange_ending, trace + ".sibling");  // or it is gone before the kill
    }
    if (holder == "leaf" && stage == "spawning") block_start_of("leaf", trace);
    Portal leaf = n.start_actor("leaf", kBelowMiddle);
    leaf.run(up, trace, "leaf");
    yield(true);
    if (holder == "leaf") hold(stage, leaf, trace);
    if (holder == "root") hold(stage, find_actor("root").value(), trace);
    sleep_forever();
  });
}

// What the root does, for ever.
void tree(const std::string& stage, const std::string& holder, const std::string& trace) {
  if (holder == "root" && stage == "ending") return arrange_ending(trace);
  open_nursery([&](ActorNursery& n) {
    if (holder == "middle" && stage == "spawning") block_start_of("middle", trace);
    Portal middle = n.start_actor("middle", {.modules = {"sweep"}, .budget = 2s});
    middle.run(up, trace, "middle");
    open_task_nursery([&](TaskNursery& t) {
      t.start([&](TaskStatus<void>& status) {
        for ([[maybe_unused]] bool is_up : middle.run(subtree, stage, holder, trace)) status.started();
      });
      if (holder == "middle") hold(stage, middle, trace);
      if (holder == "root" && stage == "cancelling") cancelling(trace);
    });
  });
}

void define(Program& p) {
  if (const char* blocked = std::getenv(kBlockedStart)) {
    std::string name, trace;
    std::istringstream(blocked) >> name >> trace;
    up(trace, name);
    note(trace, "spawning");
    while (true) pause();
  }
  p.module("sweep")
      .def("up", up)
      .def("serving", serving)
      .def("streaming", streaming)
      .def("cancelling", cancelling)
      .def("arrange_ending", arrange_ending)
      .def("subtree", subtree);
}

// The root, which outlives what happens below it and then looks at what that has left.
TRACTOR_SCENARIO(root) {
  const std::string &stage = arguments.at(0), &holder = arguments.at(1), &trace = arguments.at(2);
  return program->main(RunOptions{.name = "root", .modules = {"sweep"}}, [&] {
    up(trace, "root");
    open_nursery([&](ActorNursery& n) {
      n.start_actor("warm-up");
      n.cancel();
    });
    const std::size_t descriptors = open_descriptors().size();
    try {
      tree(stage, holder, trace);
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

using Actors = std::vector<std::string>;
const Actors kEveryone{"root", "middle", "leaf", "sibling"};

class KillSweep : public TracedProcesses {
 protected:
  KillSweep() {
    EXPECT_TRUE(arbiter_->prints("listening on ")) << arbiter_->err();
    alarm(static_cast<unsigned>(rounds()) * kTestLimitSeconds);
  }

  void TearDown() override {
    arbiter_->signal(SIGTERM);
    EXPECT_EQ(arbiter_->wait(), Exit{.code = 0}) << arbiter_->err();
    arbiter_.reset();
    TracedProcesses::TearDown();
  }

  // One row of the matrix: the stage, whose it is, and after each kill how long it took until all were gone.
  void sweep(const std::string& stage, const std::string& holder, const Actors& victims = kEveryone) {
    for (int round = 0; round < rounds(); ++round) {
      std::cout << std::left << std::setw(10) << stage << " of " << std::setw(8) << holder;
      for (const std::string& victim : victims) {
        SCOPED_TRACE(stage + " of " + holder + " x " + victim);
        kill_in_stage(stage, holder, victim, Trace(scratch_ / (holder + "." + victim + std::to_string(round))));
      }
      std::cout << std::endl;
    }
    expect_next_start_sweeps();
  }

 private:
  static int rounds() {
    const char* rounds = std::getenv("SWEEP_ROUNDS");
    return rounds == nullptr ? 1 : std::stoi(rounds);
  }

  bool is_empty(const Process& root) const {
    reap_orphans({root.pid(), arbiter_->pid()});
    return child_pids() == std::vector<pid_t>{arbiter_->pid()};
  }

  void kill_in_stage(const std::string& stage, const std::string& holder, const std::string& position,
                     const Trace& trace) {
    Process root = Process::as("root", {stage, holder, trace.path()}, {"TRACTOR_ARBITER=" + arbiter_address_});
    if (stage == "cancelling") {
      ASSERT_TRUE(trace.comes("can be cancelled")) << root.err();
      root.signal(SIGTERM);
    }
    ASSERT_TRUE(trace.comes(stage)) << root.err();
    if (rounds() > 1) std::this_thread::sleep_for(1ms * (random_() % 100));
    const pid_t victim = trace.find("up " + position).value().pid;
    ASSERT_TRUE(is_running(victim) && is_running(trace.find(stage).value().pid));
    ASSERT_FALSE(trace.has("left"));
    const auto killed_at = monotonic_now();
    kill(victim, SIGKILL);

    const std::optional<Exit> exit = root.wait();
    const bool all_gone = eventually([&] { return is_empty(root); }, within(3s));
    const auto took = monotonic_now() - killed_at;
    EXPECT_TRUE(all_gone) << "left: " << testing::PrintToString(descendants());
    EXPECT_LT(took, within(3s));
    run({.name = "looks", .arbiter = arbiter_address_}, [] {
      EXPECT_TRUE(eventually([] { return list_actors().size() == 1; }, within(1s)))
          << list_actors().size() << " listed";
    });
    std::cout << position << ' ' << std::setw(4) << took / 1ms << " ms  " << std::flush;

    // It landed: the holder had not left its stage by then.
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

  const std::string arbiter_address_ = "unix:" + scratch_ / "arbiter.sock";
  std::optional<Process> arbiter_{
      std::in_place, std::vector<std::string>{built_binary("arbiter/tractor-arbiter"), "--listen", arbiter_address_}};
  std::minstd_rand random_{std::random_device()()};
};

TEST_F(KillSweep, A43_spawning) {
  sweep("spawning", "leaf");
  sweep("spawning", "middle", {"root", "middle"});
}
TEST_F(KillSweep, A43_serving) {
  for (const char* holder : {"leaf", "middle", "root"}) sweep("serving", holder);
}
TEST_F(KillSweep, A43_streaming) {
  for (const char* holder : {"leaf", "middle", "root"}) sweep("streaming", holder);
}
// What is below an actor that cancels or ends has gone before.
TEST_F(KillSweep, A43_cancelling) {
  sweep("cancelling", "leaf");
  sweep("cancelling", "middle", {"root", "middle"});
  sweep("cancelling", "root", {"root"});
}
TEST_F(KillSweep, A43_ending) {
  sweep("ending", "leaf");
  sweep("ending", "middle", {"root", "middle"});
  sweep("ending", "root", {"root"});
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
