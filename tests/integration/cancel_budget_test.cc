// Budgets: what does not end when it is cancelled is killed, and what does has the time to.
#include "work.h"

namespace tractor::test {
namespace {

class Budgets : public TracedProcesses {
 protected:
  // Runs `body`, which throws "the first error" in the end, in a nursery, and checks that this surfaces, and between
  // `least` and `most` later.
  void expect_the_first_error(Clock::duration least, Clock::duration most,
                              const std::function<void(ActorNursery&)>& body) {
    run([&] {
      const auto error = thrown<std::runtime_error>([&] { open_nursery(body); });
      const auto took = monotonic_now() - trace_.find("the first error")->at;
      EXPECT_STREQ(error.what(), "the first error");
      EXPECT_GE(took, least);
      EXPECT_LT(took, most);
      for (pid_t pid : trace_.pids()) EXPECT_TRUE(pid == getpid() || !process_exists(pid)) << describe_process(pid);
    });
  }
  [[noreturn]] void fail_now() {
    note(trace_.path(), "the first error");
    throw std::runtime_error("the first error");
  }
};

TEST_F(Budgets, A33_a_child_that_never_checks_is_killed_when_its_budget_is_over) {
  expect_the_first_error(500ms, within(1s), [&](ActorNursery& n) {
    n.run_in_actor("stuck", {.budget = 500ms}, compute_forever, trace_.path(), "stuck");
    EXPECT_TRUE(trace_.comes("stuck begins"));
    fail_now();
  });
  EXPECT_FALSE(trace_.has("stuck ends"));
}

TEST_F(Budgets, A33_the_tree_below_a_child_that_never_checks_goes_with_it) {
  for (const std::string does : {"waits+computes", "computes+computes", "stops+computes"}) {
    expect_the_first_error(500ms, within(1s), [&](ActorNursery& n) {
      n.run_in_actor(does, {.budget = 500ms}, branch, trace_.path(), does, 1, does);
      EXPECT_TRUE(trace_.comes(does + " begins"));
      EXPECT_TRUE(trace_.has(does + ".1 begins"));
      fail_now();
    });
    std::ofstream(trace_.path(), std::ios::trunc);
  }
}

TEST_F(Budgets, A33_a_stopped_child_is_killed_when_its_budget_is_over) {
  expect_the_first_error(500ms, within(1s), [&](ActorNursery& n) {
    n.run_in_actor("stopped", {.budget = 500ms}, stop_itself, trace_.path(), "stopped");
    EXPECT_TRUE(trace_.comes("stopped begins"));
    EXPECT_TRUE(eventually([&] { return process_state(trace_.find("stopped begins")->pid) == "T"; }));
    fail_now();
  });
}

TEST_F(Budgets, A33_clean_up_that_takes_longer_than_the_budget_is_cut_short) {
  expect_the_first_error(500ms, within(1s), [&](ActorNursery& n) {
    n.run_in_actor("slow", {.budget = 500ms}, finish_work, trace_.path(), "slow", 1h);
    EXPECT_TRUE(trace_.comes("slow begins"));
    fail_now();
  });
  EXPECT_TRUE(trace_.has("slow is told"));
  EXPECT_FALSE(trace_.has("slow has finished"));
}

// Code that swallows Cancelled cannot freeze its actor, but neither does it end.
void swallow_everything(const std::string& trace, const std::string& who) {
  note(trace, who + " begins");
  while (true) {
    try {
      sleep_forever();
    } catch (...) {
    }
  }
}

TEST_F(Budgets, A33_a_task_that_swallows_its_cancellation_is_killed_with_its_actor) {
  expect_the_first_error(500ms, within(1s), [&](ActorNursery& n) {
    n.run_in_actor("deaf", {.budget = 500ms}, swallow_everything, trace_.path(), "deaf");
    EXPECT_TRUE(trace_.comes("deaf begins"));
    fail_now();
  });
}

TEST_F(Budgets, A33_no_parent_is_killed_while_it_is_still_ending_its_own_child) {
  // The leaf is killed by the parent, which has some of its own budget left to end; so has the grandparent.
  expect_the_first_error(500ms, within(2s), [&](ActorNursery& n) {
    n.run_in_actor("a", {.budget = 2s}, branch, trace_.path(), "a", 2, "computes");
    EXPECT_TRUE(trace_.comes("a.1.1 begins") && trace_.comes("a.1 begins") && trace_.comes("a begins"));
    fail_now();
  });
  EXPECT_TRUE(trace_.has("a.1 ends") && trace_.has("a ends")) << trace_.text();
  EXPECT_FALSE(trace_.has("a.1.1 ends"));
}

void fail_when(const std::string& trace, const std::string& line) {
  if (Trace(trace).comes(line)) throw std::runtime_error("failed when " + line);
}

TEST_F(Budgets, A33_a_call_to_a_child_that_is_killed_adds_no_error_of_its_own) {
  run([&] {
    const RemoteActorError error = remote_error([&] {
      open_nursery([&](ActorNursery& n) {
        Portal stuck = n.start_actor(
            "stuck", {.modules = {"work"}, .budget = 700ms});  // longer than the call waits for an acknowledgement
        n.run_in_actor("carl", fail_when, trace_.path(), "stuck begins");
        stuck.run(compute_forever, trace_.path(), "stuck");
      });
    });
    EXPECT_EQ(error.message(), "failed when stuck begins");
  });
}

TEST_F(Budgets, A33_a_timeout_around_a_nursery_with_a_call_to_a_child_that_is_killed_is_no_error) {
  run([&] {
    for (const Clock::duration budget : {300ms, 700ms}) {
      ActorNursery n;
      CancelScope scope;
      scope.run([&] {
        open_nursery(n, [&] {
          Portal stuck = n.start_actor("stuck", {.modules = {"work"}, .budget = budget});
          scope.set_deadline(deadline_after(200ms));
          stuck.run(compute_forever, trace_.path(), "stuck");
        });
      });
      EXPECT_TRUE(scope.cancelled_caught());
      EXPECT_TRUE(n.cancelled());
    }
  });
}

TEST_F(Budgets, A33_the_error_of_a_child_that_failed_surfaces_when_its_sibling_is_killed) {
  run([&] {
    const RemoteActorError error = remote_error([&] {
      open_nursery([&](ActorNursery& n) {
        n.run_in_actor("stuck", {.budget = 200ms}, compute_forever, trace_.path(), "stuck");
        EXPECT_TRUE(trace_.comes("stuck begins"));
        n.run_in_actor("carl", fail_with, "carl failed");
        sleep_forever();
      });
    });
    EXPECT_EQ(error.message(), "carl failed");
  });
}

TEST_F(Budgets, A33_cancel_actor_kills_a_child_that_never_checks_and_that_is_no_failure) {
  run([&] {
    ActorNursery n;
    open_nursery(n, [&] {
      auto stuck = n.run_in_actor("stuck", {.budget = 200ms}, compute_forever, trace_.path(), "stuck");
      ASSERT_TRUE(trace_.comes("stuck begins"));
      const auto begin = monotonic_now();
      stuck.cancel_actor();
      EXPECT_GE(monotonic_now() - begin, 200ms);
      EXPECT_LT(monotonic_now() - begin, within(500ms));
      EXPECT_FALSE(process_exists(trace_.find("stuck begins")->pid));
    });
    EXPECT_FALSE(n.cancelled());
  });
}

// Cancels a call to an actor that never checks: how long it took until it was given up.
std::chrono::nanoseconds time_to_give_up(const Trace& trace) {
  std::chrono::nanoseconds took{};
  open_nursery([&](ActorNursery& n) {
    Portal stuck = n.start_actor("stuck", {.modules = {"work"}, .budget = 200ms});
    CancelScope scope;
    std::chrono::nanoseconds cancelled_at{};
    const RemoteActorError error = remote_error([&] {
      open_task_nursery([&](TaskNursery& tasks) {
        tasks.start_soon([&] {
          EXPECT_TRUE(trace.comes("stuck begins"));
          cancelled_at = monotonic_now();
          scope.cancel();
        });
        scope.run([&] { stuck.run(compute_forever, trace.path(), "stuck"); });
      });
    });
    took = monotonic_now() - cancelled_at;
    EXPECT_TRUE(contains(error.what(), "unknown") && contains(error.what(), "stuck"));
    n.cancel();
  });
  return took;
}

TEST_F(Budgets, a_cancelled_call_to_an_actor_that_never_checks_is_given_up_after_half_a_second) {
  run([&] {
    const auto took = time_to_give_up(trace_);
    EXPECT_GE(took, 500ms);
    EXPECT_LT(took, within(700ms));
  });
}

TEST_F(Budgets, or_after_as_long_as_the_program_says) {
  run({.unacknowledged_after = 1s}, [&] {
    const auto took = time_to_give_up(trace_);
    EXPECT_GE(took, 1s);
    EXPECT_LT(took, within(1200ms));
  });
  EXPECT_TRUE(contains(usage_error([&] { run({.unacknowledged_after = 0s}, [] {}); }), "unacknowledged_after"));
}

void define(Program& program) {
  define_work(program);
  program.module("deaf").def("swallow_everything", swallow_everything).def("fail_when", fail_when);
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
