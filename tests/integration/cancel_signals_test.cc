// Signals to the root of a tree, which is another program here: this one as the scenario "tree".
#include "work.h"

namespace tractor::test {
namespace {

class Signals : public TracedProcesses {
 protected:
  // A root with actors below it, three levels in all, at work when this returns.
  Process start_tree(const std::string& does) {
    Process root = Process::as("tree", {trace_.path(), does});
    EXPECT_TRUE(trace_.comes("a begins") && trace_.comes("a.1 begins")) << trace_.text() << root.err();
    return root;
  }
  // The root has ended like that; nobody of its tree is there any more, and those who could came to their end.
  void expect_end(Process& root, Exit expected, std::chrono::nanoseconds limit) {
    EXPECT_EQ(root.wait(within(limit)), expected) << root.err();
    EXPECT_TRUE(eventually([&] { return reap_orphans(), descendants().empty(); }, within(500ms)));
  }
  void expect_orderly_end() {
    EXPECT_TRUE(trace_.has("a ends") && trace_.has("a.1 ends") && trace_.has("root ends")) << trace_.text();
  }
};

// Arguments: the trace, and what the lowest actor does; then the root computes if there is a third.
TRACTOR_SCENARIO(tree) {
  return program->main([&] {
    const NoteAtEnd ends(arguments[0], "root ends");
    open_nursery([&](ActorNursery& n) {
      n.run_in_actor("a", branch, arguments[0], "a", 1, arguments[1]);
      if (arguments.size() > 2) {
        Trace(arguments[0]).comes("a begins");
        compute_forever(arguments[0], "root");
      }
      sleep_forever();
    });
  });
}

TEST_F(Signals, A34_each_of_three_signals_ends_the_whole_tree_in_order_with_its_own_status) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    Process root = start_tree("waits");
    root.signal(signal);
    expect_end(root, {.code = 128 + signal}, 2s);
    expect_orderly_end();
    EXPECT_EQ(root.err(), "");
    std::ofstream(trace_.path(), std::ios::trunc);
  }
}

// Also by what happens between tasks: signals, what gRPC says, an end.
TEST_F(Signals, a_tree_that_logs_all_it_does_ends_in_order) {
  for (const char* level : {"info", "trace"}) {
    Process root = Process::as("tree", {trace_.path(), "waits"}, {std::string("TRACTOR_LOG=") + level});
    ASSERT_TRUE(trace_.comes("a begins") && trace_.comes("a.1 begins")) << root.err();
    root.signal(SIGTERM);
    expect_end(root, {.code = 128 + SIGTERM}, 2s);
    expect_orderly_end();
    EXPECT_TRUE(contains(root.err(), "[loop] cancelled: signal 15"));
    std::ofstream(trace_.path(), std::ios::trunc);
  }
}

TEST_F(Signals, A34_a_second_SIGTERM_kills_nobody_who_is_still_ending) {
  Process root = Process::as("slow_end", {trace_.path()});
  ASSERT_TRUE(trace_.comes("a begins")) << root.err();
  root.signal(SIGTERM);
  ASSERT_TRUE(trace_.comes("a is told"));
  root.signal(SIGTERM);
  expect_end(root, {.code = 128 + SIGTERM}, 2s);
  EXPECT_TRUE(trace_.has("a has finished"));
}

TEST_F(Signals, A34_a_second_SIGINT_kills_at_once) {
  Process root = Process::as("slow_end", {trace_.path()});
  ASSERT_TRUE(trace_.comes("a begins")) << root.err();
  root.signal(SIGINT);
  ASSERT_TRUE(trace_.comes("a is told"));
  root.signal(SIGINT);
  expect_end(root, {.code = 128 + SIGINT}, 200ms);
  EXPECT_FALSE(trace_.has("a has finished"));
  expect_next_start_sweeps();
}

// An actor that takes 1 s to end.
TRACTOR_SCENARIO(slow_end) {
  return program->main(
      [&] { open_nursery([&](ActorNursery& n) { n.run_in_actor("a", finish_work, arguments[0], "a", 1s); }); });
}

TEST_F(Signals, A34_a_second_SIGINT_kills_at_once_even_when_the_loop_is_busy) {
  Process root = Process::as("tree", {trace_.path(), "waits", "and the root computes"});
  ASSERT_TRUE(trace_.comes("root begins")) << root.err();
  root.signal(SIGINT);
  // The helper thread takes a signal at once: when it is not pending any more.
  ASSERT_TRUE(eventually([&] { return !has_signal(root.pid(), "ShdPnd", SIGINT); }));
  EXPECT_TRUE(root.running());
  root.signal(SIGINT);
  expect_end(root, {.code = 128 + SIGINT}, 200ms);
  expect_next_start_sweeps();
}

TEST_F(Signals, A34_a_second_SIGINT_kills_a_tree_that_is_stuck_at_every_level) {
  Process root = start_tree("computes+computes");
  root.signal(SIGINT);
  root.signal(SIGINT);  // may become one with the first
  while (!root.wait(100ms)) root.signal(SIGINT);
  expect_end(root, {.code = 128 + SIGINT}, 200ms);
  expect_next_start_sweeps();
}

TEST_F(Signals, A34_a_leaf_that_is_stuck_is_killed_within_the_roots_budget) {
  Process root = start_tree("computes");
  const auto begin = monotonic_now();
  root.signal(SIGINT);
  expect_end(root, {.code = 128 + SIGINT}, 5s);
  EXPECT_GE(monotonic_now() - begin, 3s);  // it had most of the default budget
  EXPECT_TRUE(trace_.has("a ends") && trace_.has("root ends")) << trace_.text();
}

TEST_F(Signals, A34_a_signal_while_the_tree_is_being_started_ends_what_there_is) {
  // At more and more processes: none, the first one before it serves, the second.
  for (std::size_t processes : {0u, 1u, 1u, 1u, 2u, 2u, 2u, 3u}) {
    Process root = Process::as("tree", {trace_.path(), "waits"});
    ASSERT_TRUE(eventually([&] {
      return has_signal(root.pid(), "SigCgt", SIGINT) &&
             descendants(root.pid()).size() >= std::min<std::size_t>(processes, 2);
    }));
    if (processes == 3) {
      ASSERT_TRUE(trace_.comes("a.1 begins"));
    }
    root.signal(SIGINT);
    expect_end(root, {.code = 128 + SIGINT}, 2s);
  }
}

TEST_F(Signals, a_signal_to_a_child_is_that_childs_failure) {
  run([&] {
    const RemoteActorError error = remote_error([&] {
      open_nursery([&](ActorNursery& n) {
        n.run_in_actor("child", until_cancelled, trace_.path(), "child");
        EXPECT_TRUE(trace_.comes("child begins"));
        kill(trace_.find("child begins")->pid, SIGINT);
        sleep_forever();
      });
    });
    EXPECT_TRUE(contains(error.what(), "\"child\"") && contains(error.what(), "signal 2"));
    EXPECT_EQ(error.info().attributes.at("signal"), "2");
  });
}

// --- what children print ---

void print_lines(const std::string& who, int count) {
  for (int i = 0; i < count; ++i) std::cout << who << " says " << i << '\n';
}
void print_and_wait(const std::string& trace, const std::string& who) {
  std::cout << who << " has something in its buffer";
  until_cancelled(trace, who);
}

TRACTOR_SCENARIO(printers) {
  return program->main([&] {
    open_nursery([&](ActorNursery& n) {
      for (int i = 0; i < 5; ++i) n.run_in_actor("printer", print_lines, "printer " + std::to_string(i), 100);
      n.run_in_actor("waiter", print_and_wait, arguments[0], "waiter");
      sleep_forever();
    });
  });
}

TEST_F(Signals, what_children_printed_is_not_lost_when_they_are_cancelled) {
  Process root = Process::as("printers", {trace_.path()});
  ASSERT_TRUE(trace_.comes("waiter begins")) << root.err();
  root.signal(SIGTERM);
  expect_end(root, {.code = 128 + SIGTERM}, 2s);
  const std::string out = root.out();
  for (int i = 0; i < 5; ++i) {
    for (int line = 0; line < 100; ++line) {
      ASSERT_TRUE(contains(out, "printer " + std::to_string(i) + " says " + std::to_string(line) + "\n"));
    }
  }
  EXPECT_TRUE(contains(out, "waiter has something in its buffer"));
}

void define(Program& program) {
  define_work(program);
  program.module("printing").def("print_lines", print_lines).def("print_and_wait", print_and_wait);
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
