// Supervisors over real processes: restarts, and the end. What they decide is tested on made-up times in
// tests/runtime/actor.
#include "supervised.h"

namespace tractor::test {
namespace {

// --- restarts ---

TEST_F(Supervised, a_killed_permanent_child_is_started_again_and_found_by_its_name) {
  run([] {
    Supervisor supervisor;
    supervisor.add("frank", kDaemon);
    open_nursery(supervisor, [&] {
      Portal first = supervisor.portal("frank");
      EXPECT_EQ(first.run(hi), "I am frank");
      kill_and_wait(supervisor, "frank");
      Portal second = supervisor.portal("frank");
      EXPECT_EQ(second.run(hi), "I am frank");
      EXPECT_NE(first.id(), second.id());
      EXPECT_EQ(find_actor("frank")->id(), second.id());
      EXPECT_EQ(wait_for_actor("frank").run(hi), "I am frank");
      EXPECT_EQ(child_of(supervisor, "frank").restarts, 1);
      EXPECT_TRUE(contains(remote_error([&] { first.run(hi); }).what(), "signal 9"));
    });
    EXPECT_FALSE(supervisor.cancelled());
    EXPECT_FALSE(find_actor("frank"));
  });
}

TEST_F(Supervised, a_restart_concerns_no_sibling_of_a_one_for_one) {
  run([] {
    Supervisor supervisor(kPatient);
    supervisor.add("a", kDaemon).add("b", kDaemon);
    open_nursery(supervisor, [&] {
      const pid_t other = pid_of(supervisor, "b");
      kill_and_wait(supervisor, "a");
      kill_and_wait(supervisor, "a");
      EXPECT_EQ(pid_of(supervisor, "b"), other);
      EXPECT_EQ(supervisor.portal("b").run(ping), "pong");
    });
  });
}

TEST_F(Supervised, one_for_all_stops_the_others_right_to_left_and_starts_all_left_to_right) {
  run([this] {
    Supervisor supervisor({.strategy = Strategy::one_for_all});
    for (const char* name : {"a", "b", "c", "d"}) supervisor.add(name, kDaemon, until_cancelled, trace_.path(), name);
    open_nursery(supervisor, [&] {
      const std::vector<std::int64_t> before = incarnations(supervisor, {"a", "b", "c", "d"});
      EXPECT_TRUE(std::ranges::is_sorted(before));
      for (const char* name : {"a", "b", "c", "d"}) EXPECT_TRUE(trace_.comes(name + std::string(" begins")));
      kill_and_wait(supervisor, "b");
      const std::vector<std::int64_t> after = incarnations(supervisor, {"a", "b", "c", "d"});
      EXPECT_TRUE(std::ranges::is_sorted(after));
      EXPECT_GT(after.front(), before.back());
      EXPECT_LT(trace_.position("d ends"), trace_.position("c ends"));
      EXPECT_LT(trace_.position("c ends"), trace_.position("a ends"));
    });
  });
}

TEST_F(Supervised, rest_for_one_restarts_those_after_the_failed_one) {
  run([this] {
    Supervisor supervisor({.strategy = Strategy::rest_for_one});
    for (const char* name : {"a", "b", "c", "d"}) supervisor.add(name, kDaemon, until_cancelled, trace_.path(), name);
    open_nursery(supervisor, [&] {
      const std::vector<std::int64_t> before = incarnations(supervisor, {"a", "b", "c", "d"});
      for (const char* name : {"a", "b", "c", "d"}) EXPECT_TRUE(trace_.comes(name + std::string(" begins")));
      kill_and_wait(supervisor, "b");
      const std::vector<std::int64_t> after = incarnations(supervisor, {"a", "b", "c", "d"});
      EXPECT_EQ(after.front(), before.front());
      EXPECT_TRUE(std::ranges::is_sorted(after));
      EXPECT_GT(after[1], before.back());
      EXPECT_FALSE(trace_.has("a ends"));
      EXPECT_LT(trace_.position("d ends"), trace_.position("c ends"));
    });
  });
}

TEST_F(Supervised, portal_waits_while_the_child_is_being_restarted) {
  run([] {
    Supervisor supervisor({.intensity = 10, .backoff = {.first = 300ms, .jitter = 0}});
    supervisor.add("frank", kDaemon);
    open_nursery(supervisor, [&] {
      kill_and_wait(supervisor, "frank");
      const Clock::time_point killed = Clock::now();
      kill(pid_of(supervisor, "frank"), SIGKILL);
      EXPECT_TRUE(eventually([&] { return child_of(supervisor, "frank").state == State::restarting; }));
      EXPECT_EQ(supervisor.portal("frank").run(hi), "I am frank");
      EXPECT_GE(Clock::now() - killed, 300ms);
    });
  });
}

TEST_F(Supervised, too_many_restarts_end_the_supervisor_with_the_childs_last_failure) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("steady", kDaemon, until_cancelled, trace_.path(), "steady");
    supervisor.add("torn", {}, fail_after_note, trace_.path(), "torn");
    bool cancelled = false;
    const auto [what, nested] = supervisor_error_of([&] {
      open_nursery(supervisor, [&] {
        try {
          sleep_forever();
        } catch (const Cancelled&) {
          cancelled = true;
          throw;
        }
      });
    });
    EXPECT_TRUE(contains(what, "child \"torn\" failed") && contains(what, "more than 1 restart within 5s") &&
                contains(what, "the film is torn"));
    EXPECT_TRUE(contains(nested, "std::runtime_error in torn@") && contains(nested, "the film is torn"));
    EXPECT_TRUE(cancelled && supervisor.cancelled());
    EXPECT_EQ(trace_.count("torn fails"), 2);  // OTP's default: one restart in 5 s
    EXPECT_TRUE(child_pids().empty());
  });
}

TEST_F(Supervised, intensity_0_allows_no_restart_and_the_error_names_the_signal) {
  run([] {
    Supervisor supervisor({.intensity = 0});
    supervisor.add("frank", kDaemon);
    const auto [what, nested] = supervisor_error_of([&] {
      open_nursery(supervisor, [&] {
        kill(pid_of(supervisor, "frank"), SIGKILL);
        sleep_forever();
      });
    });
    EXPECT_TRUE(contains(what, "more than 0 restarts"));
    EXPECT_TRUE(contains(nested, "signal 9"));
  });
}

TEST_F(Supervised, a_transient_child_that_returns_is_not_started_again) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("once", {.restart = Restart::transient}, return_at_once, trace_.path(), "once");
    open_nursery(supervisor, [&] {
      EXPECT_TRUE(eventually([&] { return child_of(supervisor, "once").state == State::stopped; }));
      EXPECT_TRUE(contains(thrown<SupervisorError>([&] { supervisor.portal("once"); }).what(), "will not come back"));
      EXPECT_EQ(supervisor.restart_child("once").name(), "once");
    });
    EXPECT_TRUE(eventually([&] { return trace_.count("once returns") >= 1; }));
    EXPECT_LE(trace_.count("once returns"), 2);
  });
}

TEST_F(Supervised, a_transient_child_that_fails_is_started_again) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("torn", {.restart = Restart::transient}, fail_after_note, trace_.path(), "torn");
    supervisor_error_of([&] { open_nursery(supervisor, [] { sleep_forever(); }); });
    EXPECT_EQ(trace_.count("torn fails"), 2);
  });
}

TEST_F(Supervised, a_permanent_child_that_returns_is_started_again) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("again", {}, return_at_once, trace_.path(), "again");
    const auto [what, nested] = supervisor_error_of([&] { open_nursery(supervisor, [] { sleep_forever(); }); });
    EXPECT_TRUE(contains(what, "child \"again\" ended; that asks for more than 1 restart"));
    EXPECT_EQ(nested, "");
    EXPECT_EQ(trace_.count("again returns"), 2);
  });
}

TEST_F(Supervised, a_temporary_child_is_never_started_again) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("steady", kDaemon);
    supervisor.add("torn", {.restart = Restart::temporary}, fail_after_note, trace_.path(), "torn");
    open_nursery(supervisor, [&] {
      EXPECT_TRUE(eventually([&] { return supervisor.which_children().size() == 1; }));
      EXPECT_EQ(supervisor.portal("steady").run(ping), "pong");
      EXPECT_TRUE(contains(usage_error([&] { supervisor.portal("torn"); }), "no child \"torn\""));
    });
    EXPECT_EQ(trace_.count("torn fails"), 1);
  });
}

TEST_F(Supervised, being_cancelled_by_someone_is_a_normal_end) {
  run([] {
    Supervisor supervisor;
    supervisor.add("permanent", kDaemon);
    supervisor.add("transient", {.restart = Restart::transient, .modules = {"work"}});
    open_nursery(supervisor, [&] {
      const pid_t pid = pid_of(supervisor, "permanent");
      supervisor.portal("permanent").cancel_actor();
      find_actor("transient")->cancel_actor();
      EXPECT_NE(pid_of(supervisor, "permanent", pid), pid);
      EXPECT_TRUE(eventually([&] { return child_of(supervisor, "transient").state == State::stopped; }));
    });
  });
}

// --- the end ---

TEST_F(Supervised, children_are_stopped_right_to_left_one_after_the_other) {
  run([this] {
    Supervisor supervisor;
    for (const char* name : {"a", "b", "c"})
      supervisor.add(name, kDaemon, finish_work, trace_.path(), name, std::chrono::milliseconds(50));
    EXPECT_EQ(open_nursery(supervisor,
                           [&] {
                             for (const char* name : {"a", "b", "c"}) trace_.comes(name + std::string(" begins"));
                             return 42;
                           }),
              42);
    EXPECT_LT(trace_.position("c has finished"), trace_.position("b is told"));
    EXPECT_LT(trace_.position("b has finished"), trace_.position("a is told"));
    EXPECT_TRUE(trace_.has("a ends"));
    EXPECT_TRUE(child_pids().empty());
  });
}

TEST_F(Supervised, a_brutal_kill_gives_no_time_and_a_budget_gives_that_much) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("slow", {.shutdown = 300ms}, finish_work, trace_.path(), "slow",
                   std::chrono::milliseconds(3600'000));
    supervisor.add("brutal", {.shutdown = kBrutalKill}, finish_work, trace_.path(), "brutal",
                   std::chrono::milliseconds(3600'000));
    Clock::time_point ended;
    open_nursery(supervisor, [&] {
      EXPECT_TRUE(trace_.comes("slow begins") && trace_.comes("brutal begins"));
      ended = Clock::now();
    });
    EXPECT_GE(Clock::now() - ended, 300ms);
    EXPECT_LT(Clock::now() - ended, within(1s));
    EXPECT_TRUE(trace_.has("slow is told"));
    EXPECT_FALSE(trace_.has("brutal is told"));
    EXPECT_FALSE(trace_.has("slow has finished"));
  });
}

TEST_F(Supervised, a_child_may_have_all_the_time_it_needs) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("slow", {.shutdown = kUntilItEnds}, finish_work, trace_.path(), "slow",
                   std::chrono::milliseconds(300));
    open_nursery(supervisor, [&] { EXPECT_TRUE(trace_.comes("slow begins")); });
    EXPECT_TRUE(trace_.has("slow has finished") && trace_.has("slow ends"));
  });
}

TEST_F(Supervised, a_failing_body_stops_the_children_and_is_thrown) {
  run([this] {
    Supervisor supervisor;
    for (const char* name : {"a", "b"}) supervisor.add(name, kDaemon, until_cancelled, trace_.path(), name);
    EXPECT_THROW(open_nursery(supervisor,
                              [&] {
                                EXPECT_TRUE(trace_.comes("a begins") && trace_.comes("b begins"));
                                throw std::out_of_range("the body");
                              }),
                 std::out_of_range);
    EXPECT_LT(trace_.position("b ends"), trace_.position("a ends"));
    EXPECT_TRUE(trace_.has("a ends"));
  });
}

TEST_F(Supervised, an_error_of_a_child_that_is_stopped_at_the_end_is_thrown_its_death_is_not) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("fails", {}, fail_when_stopped, trace_.path(), false);
    EXPECT_TRUE(
        contains(remote_error([&] { open_nursery(supervisor, [&] { EXPECT_TRUE(trace_.comes("begins")); }); }).what(),
                 "cannot clean up"));
    Supervisor another;
    another.add("dies", {}, fail_when_stopped, trace_.path(), true);
    open_nursery(another, [&] { EXPECT_TRUE(eventually([&] { return trace_.count("begins") == 2; })); });
    EXPECT_EQ(trace_.count("is told"), 2);
  });
}

TEST_F(Supervised, cancelling_the_opener_stops_the_children_right_to_left) {
  run([this] {
    Supervisor supervisor;
    for (const char* name : {"a", "b"}) supervisor.add(name, kDaemon, until_cancelled, trace_.path(), name);
    CancelScope scope;
    scope.run([&] {
      open_nursery(supervisor, [&] {
        EXPECT_TRUE(trace_.comes("a begins") && trace_.comes("b begins"));
        scope.cancel();
        sleep_forever();
      });
    });
    EXPECT_TRUE(scope.cancelled_caught() && supervisor.cancelled());
    EXPECT_LT(trace_.position("b ends"), trace_.position("a ends"));
    EXPECT_TRUE(child_pids().empty());
  });
}

TEST_F(Supervised, cancelling_during_the_pause_before_a_restart_ends_it_at_once) {
  run([] {
    Supervisor supervisor({.intensity = 10, .backoff = {.first = 1h, .longest = 1h}});
    supervisor.add("a", kDaemon).add("b", kDaemon);
    const CancelScope scope = move_on_after(30s, [&] {
      open_nursery(supervisor, [&] {
        kill_and_wait(supervisor, "a");
        kill(pid_of(supervisor, "a"), SIGKILL);
        EXPECT_TRUE(eventually([&] { return child_of(supervisor, "a").state == State::restarting; }));
        supervisor.cancel();
        sleep_forever();
      });
    });
    EXPECT_FALSE(scope.cancelled_caught());
    EXPECT_TRUE(child_pids().empty());
  });
}

TEST_F(Supervised, cancelling_while_a_restart_hangs_ends_it_at_once) {
  run([this] {
    Supervisor supervisor(kPatient);
    supervisor.add("a", kDaemon).add("b", kDaemon);
    Clock::time_point cancelled;
    const CancelScope scope = move_on_after(30s, [&] {
      open_nursery(supervisor, [&] {
        fail_from("hang");
        kill(pid_of(supervisor, "a"), SIGKILL);
        EXPECT_TRUE(eventually([&] { return starts() > 0; }));
        cancelled = Clock::now();
        supervisor.cancel();
        sleep_forever();
      });
    });
    EXPECT_FALSE(scope.cancelled_caught());
    EXPECT_LT(Clock::now() - cancelled, within(2s));
    EXPECT_TRUE(child_pids().empty());
  });
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define_kids)
