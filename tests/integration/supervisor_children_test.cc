// Supervisors over real processes: children that cannot start, that supervise themselves, that come and go.
#include "supervised.h"

namespace tractor::test {
namespace {

// --- children that cannot be started ---

TEST_F(Supervised, a_child_that_cannot_be_started_at_first_ends_those_before_it_in_reverse_order) {
  run([this] {
    Supervisor supervisor;
    for (const char* name : {"a", "b", "c", "d"}) supervisor.add(name, kDaemon, until_cancelled, trace_.path(), name);
    fail_from("3");
    setenv("TEST_FAIL_AFTER", trace_.path().c_str(), 1);
    bool body_ran = false;
    const RemoteActorError error = remote_error([&] { open_nursery(supervisor, [&] { body_ran = true; }); });
    EXPECT_FALSE(body_ran);
    EXPECT_TRUE(contains(error.what(), "actor \"c\"") && contains(error.what(), "status 3 before it served"));
    EXPECT_EQ(starts(), 3);
    EXPECT_TRUE(trace_.has("a ends"));
    EXPECT_LT(trace_.position("b ends"), trace_.position("a ends"));
    EXPECT_TRUE(child_pids().empty());
  });
}

TEST_F(Supervised, a_restart_that_fails_is_tried_again_and_counts_as_one) {
  run([this] {
    Supervisor supervisor({.intensity = 3, .backoff = {.first = 0ms}});
    supervisor.add("a", kDaemon).add("b", kDaemon);
    const auto [what, nested] = supervisor_error_of([&] {
      open_nursery(supervisor, [&] {
        fail_from("1");
        kill(pid_of(supervisor, "a"), SIGKILL);
        sleep_forever();
      });
    });
    EXPECT_EQ(starts(), 3);
    EXPECT_TRUE(contains(what, "child \"a\"") && contains(what, "more than 3 restarts"));
    EXPECT_TRUE(contains(nested, "status 3 before it served"));
  });
}

TEST_F(Supervised, a_child_comes_back_when_a_later_try_starts_it) {
  run([this] {
    Supervisor supervisor(
        {.strategy = Strategy::rest_for_one, .intensity = 50, .backoff = {.first = 20ms, .factor = 1}});
    supervisor.add("a", kDaemon).add("b", kDaemon);
    open_nursery(supervisor, [&] {
      fail_from("1");
      kill(pid_of(supervisor, "a"), SIGKILL);
      EXPECT_TRUE(eventually([&] { return starts() >= 3; }));
      all_serve();
      EXPECT_EQ(supervisor.portal("a").run(hi), "I am a");
      EXPECT_EQ(supervisor.portal("b").run(hi), "I am b");
      const std::vector<std::int64_t> now = incarnations(supervisor, {"a", "b"});
      EXPECT_LT(now[0], now[1]);
    });
  });
}

// --- supervisors of supervisors ---

TEST_F(Supervised, a_supervisor_in_a_child_restarts_its_own_children_and_is_restarted_when_it_gives_up) {
  run([this] {
    Supervisor outer;
    outer.add("inner", {.type = ChildType::supervisor}, inner, trace_.path());
    open_nursery(outer, [&] {
      const pid_t inner_pid = pid_of(outer, "inner");
      kill_nth(trace_, "leaf begins", 1);
      EXPECT_TRUE(eventually([&] { return trace_.count("leaf begins") == 2; }));
      EXPECT_EQ(pid_of(outer, "inner"), inner_pid);
      kill_nth(trace_, "leaf begins", 2);  // the second in 5 s: inner gives up, and fails
      EXPECT_NE(pid_of(outer, "inner", inner_pid), inner_pid);
      EXPECT_TRUE(eventually([&] { return trace_.count("leaf begins") == 3; }));
      EXPECT_TRUE(eventually([&] { return trace_.count("inner begins") == 2; }));
    });
    EXPECT_EQ(trace_.count("leaf ends"), 1);
    EXPECT_EQ(trace_.count("inner ends"), 2);
    EXPECT_LT(trace_.position("leaf ends"), trace_.lines().size() - 1);  // before inner, which ends last
    EXPECT_EQ(trace_.lines().back().what, "inner ends");
  });
}

TEST_F(Supervised, a_supervisor_that_gives_up_in_a_child_fails_it_with_the_whole_story) {
  run([this] {
    Supervisor outer({.intensity = 0});
    outer.add("inner", {.type = ChildType::supervisor}, inner, trace_.path());
    const auto [what, nested] = supervisor_error_of([&] {
      open_nursery(outer, [&] {
        for (long nth : {1, 2}) kill_nth(trace_, "leaf begins", nth);
        sleep_forever();
      });
    });
    EXPECT_TRUE(contains(what, "child \"inner\" failed") && contains(what, "child \"leaf\" failed") &&
                contains(what, "signal 9"));
    EXPECT_TRUE(contains(nested, "tractor::SupervisorError in inner@"));
  });
}

// --- children that come and go at run time ---

TEST_F(Supervised, children_are_added_terminated_restarted_and_deleted_at_run_time) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("a", kDaemon);
    open_nursery(supervisor, [&] {
      EXPECT_EQ(supervisor.start_child("b", kDaemon).run(hi), "I am b");
      supervisor.start_child("c", {.type = ChildType::supervisor}, until_cancelled, trace_.path(), "c");
      EXPECT_EQ(supervisor.count_children(), (ChildCounts{.specs = 3, .active = 3, .supervisors = 1, .workers = 2}));
      EXPECT_TRUE(contains(usage_error([&] { supervisor.start_child("b", kDaemon); }), "\"b\" already, which runs"));
      EXPECT_TRUE(contains(usage_error([&] { supervisor.restart_child("b"); }), "is running"));
      EXPECT_TRUE(contains(usage_error([&] { supervisor.delete_child("b"); }), "terminate_child() it first"));

      const pid_t pid = pid_of(supervisor, "b");
      supervisor.terminate_child("b");
      EXPECT_EQ(process_state(pid), "");
      EXPECT_EQ(supervisor.count_children(), (ChildCounts{.specs = 3, .active = 2, .supervisors = 1, .workers = 2}));
      EXPECT_EQ(child_of(supervisor, "b").state, State::stopped);
      supervisor.terminate_child("b");  // nothing to do
      EXPECT_TRUE(contains(usage_error([&] { supervisor.start_child("b", kDaemon); }), "restart_child() it"));
      EXPECT_EQ(supervisor.restart_child("b").run(hi), "I am b");
      supervisor.terminate_child("b");
      supervisor.delete_child("b");
      EXPECT_EQ(supervisor.which_children().size(), 2);
      for (const char* call : {"terminate", "restart", "delete", "portal"}) {
        EXPECT_TRUE(contains(usage_error([&] {
                               if (call == std::string("terminate")) supervisor.terminate_child("b");
                               if (call == std::string("restart")) supervisor.restart_child("b");
                               if (call == std::string("delete")) supervisor.delete_child("b");
                               if (call == std::string("portal")) supervisor.portal("b");
                             }),
                             "no child \"b\""))
            << call;
      }
    });
  });
}

TEST_F(Supervised, a_portal_to_a_child_that_is_being_restarted_waits_for_it) {
  run([] {
    Supervisor supervisor;
    supervisor.add("a", kDaemon);
    open_nursery(supervisor, [&] {
      supervisor.terminate_child("a");
      open_task_nursery([&](TaskNursery& t) {
        t.start_soon([&] { supervisor.restart_child("a"); });
        for (int i = 0; i < 10; ++i) yield_now();  // it is being started
        EXPECT_EQ(supervisor.portal("a").run(hi), "I am a");
        t.start_soon([&] { supervisor.start_child("b", kDaemon); });
        for (int i = 0; i < 10; ++i) yield_now();
        EXPECT_EQ(supervisor.portal("b").run(hi), "I am b");
      });
    });
  });
}

TEST_F(Supervised, a_child_that_start_child_cannot_start_is_not_added) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("a", kDaemon);
    open_nursery(supervisor, [&] {
      EXPECT_TRUE(contains(usage_error([&] { supervisor.start_child("b", {.modules = {"nowhere"}}); }), "nowhere"));
      fail_from("1");
      EXPECT_TRUE(contains(remote_error([&] { supervisor.start_child("b", kDaemon); }).what(), "before it served"));
      EXPECT_EQ(supervisor.which_children().size(), 1);
      supervisor.terminate_child("a");
      EXPECT_TRUE(contains(remote_error([&] { supervisor.restart_child("a"); }).what(), "before it served"));
      EXPECT_EQ(child_of(supervisor, "a").state, State::stopped);
      all_serve();
      EXPECT_EQ(supervisor.restart_child("a").run(hi), "I am a");
    });
  });
}

TEST_F(Supervised, the_children_of_a_simple_one_for_one_are_of_one_kind_and_come_and_go) {
  run([] {
    Supervisor supervisor({.strategy = Strategy::simple_one_for_one});
    supervisor.add("sleeper", kDaemon, sleep_forever_in_child);
    EXPECT_TRUE(contains(usage_error([&] { supervisor.add("other", kDaemon); }), "of one kind"));
    open_nursery(supervisor, [&] {
      EXPECT_TRUE(supervisor.which_children().empty());
      EXPECT_EQ(supervisor.count_children(), (ChildCounts{.specs = 1}));
      EXPECT_TRUE(contains(thrown<CallError>([&] { supervisor.start_child("one", 3); }).what(), "kids.sleep_forever"));
      EXPECT_TRUE(
          contains(usage_error([&] { supervisor.start_child("one", kDaemon); }), "all of the kind \"sleeper\""));
      supervisor.start_child("one");
      supervisor.start_child("two");
      EXPECT_TRUE(contains(usage_error([&] { supervisor.start_child("two"); }), "already"));
      EXPECT_EQ(supervisor.count_children(), (ChildCounts{.specs = 1, .active = 2, .workers = 2}));
      kill_and_wait(supervisor, "one");
      supervisor.terminate_child("two");
      EXPECT_EQ(supervisor.which_children().size(), 1);
      EXPECT_TRUE(contains(usage_error([&] { supervisor.delete_child("one"); }), "simple_one_for_one"));
      EXPECT_TRUE(contains(usage_error([&] { supervisor.restart_child("one"); }), "simple_one_for_one"));
    });
    EXPECT_TRUE(child_pids().empty());
  });
}

TEST_F(Supervised, the_arguments_of_start_child_come_after_those_of_the_kind) {
  run([] {
    Supervisor supervisor({.strategy = Strategy::simple_one_for_one, .intensity = 2});
    supervisor.add("adder", {.modules = {"kids"}}, add_up, 40);
    open_nursery(supervisor, [&] {
      supervisor.start_child("two", 2);
      supervisor.start_child("three", 3);
      EXPECT_TRUE(contains(thrown<CallError>([&] { supervisor.start_child("none"); }).what(), "kids.add_up"));
      kill_and_wait(supervisor, "two");
      const auto sum_of = [&](const char* name) {
        EXPECT_TRUE(eventually([&] { return supervisor.portal(name).run(knows_sum); }));
        return supervisor.portal(name).run(sum);
      };
      EXPECT_EQ(sum_of("two"), 42);
      EXPECT_EQ(sum_of("three"), 43);
    });
  });
}

// --- significant children ---

TEST_F(Supervised, the_end_of_a_significant_child_ends_the_supervisor_without_an_error) {
  run([this] {
    Supervisor supervisor({.auto_shutdown = AutoShutdown::any_significant});
    supervisor.add("steady", kDaemon, until_cancelled, trace_.path(), "steady");
    supervisor.add("main", {.restart = Restart::transient, .significant = true}, return_at_once, trace_.path(), "main");
    open_nursery(supervisor, [] { sleep_forever(); });
    EXPECT_TRUE(supervisor.shut_down() && supervisor.cancelled());
    EXPECT_TRUE(child_pids().empty());

    Supervisor another({.auto_shutdown = AutoShutdown::all_significant});
    another.add("main", {.restart = Restart::temporary, .significant = true}, return_at_once, trace_.path(), "main");
    EXPECT_THROW(open_nursery(another, []() -> int { sleep_forever(); }), NurseryCancelled);
  });
}

// --- bad input ---

TEST_F(Supervised, misuse_is_a_usage_error_that_says_the_way_out) {
  run([] {
    Supervisor empty;
    EXPECT_TRUE(contains(usage_error([&] { open_nursery(empty, [] {}); }), "no children: add() one first"));
    Supervisor kindless({.strategy = Strategy::simple_one_for_one});
    EXPECT_TRUE(contains(usage_error([&] { open_nursery(kindless, [] {}); }), "no kind of child"));
    EXPECT_TRUE(contains(usage_error([] { Supervisor({.intensity = -1}); }), "intensity"));
    EXPECT_TRUE(contains(usage_error([] { Supervisor({.period = -1s}); }), "period"));

    Supervisor supervisor;
    supervisor.add("a", kDaemon);
    EXPECT_TRUE(contains(usage_error([&] { supervisor.add("a", kDaemon); }), "has a child \"a\" already"));
    EXPECT_TRUE(contains(usage_error([&] { supervisor.add("b", {.shutdown = -1s}); }), "child \"b\""));
    EXPECT_TRUE(contains(usage_error([&] { supervisor.add("b", {.significant = true}); }), "significant"));
    EXPECT_TRUE(contains(thrown<CallError>([&] { supervisor.add("b", add_up, 1); }).what(), "kids.add_up"));
    EXPECT_TRUE(contains(usage_error([&] { supervisor.portal("a"); }), "not open"));
    EXPECT_TRUE(contains(usage_error([&] { supervisor.terminate_child("a"); }), "not open"));
    open_nursery(supervisor, [&] {
      EXPECT_TRUE(contains(usage_error([&] { supervisor.add("b", kDaemon); }), "start_child()"));
      EXPECT_TRUE(contains(usage_error([&] { supervisor.start_child("b"); }), "simple_one_for_one"));
    });
    EXPECT_TRUE(contains(usage_error([&] { open_nursery(supervisor, [] {}); }), "one block in its life"));
    EXPECT_TRUE(contains(usage_error([&] { supervisor.terminate_child("a"); }), "has ended"));
    EXPECT_TRUE(contains(thrown<SupervisorError>([&] { supervisor.portal("a"); }).what(), "has ended"));

    Supervisor wrong;
    wrong.add("a", kDaemon).add("b", {.modules = {"nowhere"}});
    EXPECT_TRUE(contains(usage_error([&] { open_nursery(wrong, [] {}); }), "no module \"nowhere\""));
    EXPECT_TRUE(child_pids().empty());
  });
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define_kids)
