#include "runtime/actor/restart_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <map>

namespace tractor {
namespace {

using namespace std::chrono_literals;
using Names = std::vector<std::string>;
using Action = RestartPlan::Decision::Action;
using Exit = RestartPlan::Exit;
using State = RestartPlan::State;

Clock::time_point at(Clock::duration since_start) { return Clock::time_point(1000s) + since_start; }

constexpr Backoff kNoPauses{.first = 0s};

// A plan whose children, of these kinds, all run since at(0s).
RestartPlan plan_of(SupervisorOptions options, const std::vector<RestartPlan::Rule>& rules) {
  RestartPlan plan(std::move(options));
  for (const RestartPlan::Rule& rule : rules) {
    plan.add(rule);
    plan.started(rule.name, at(0s));
  }
  return plan;
}
RestartPlan abcd(Strategy strategy, int intensity = 100) {
  return plan_of({.strategy = strategy, .intensity = intensity, .backoff = kNoPauses}, {{"a"}, {"b"}, {"c"}, {"d"}});
}

// Starts all that is due; what that was.
Names start_due(RestartPlan& plan, Clock::time_point now) {
  Names all;
  for (Names due = plan.take_due(now); !due.empty(); due = plan.take_due(now)) {
    for (const std::string& name : due) {
      plan.started(name, now);
      all.push_back(name);
    }
  }
  return all;
}

std::string refusal(const std::function<void()>& f) {
  try {
    f();
    return "";
  } catch (const UsageError& e) {
    return e.what();
  }
}
testing::AssertionResult contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "no \"" << part << "\" in: " << text;
}

// --- who is restarted ---

TEST(RestartPlan, one_for_one_restarts_the_one_that_failed) {
  RestartPlan plan = abcd(Strategy::one_for_one);
  const auto decision = plan.ended("b", Exit::abnormal, at(1s));
  EXPECT_EQ(decision.action, Action::restart);
  EXPECT_EQ(decision.stop, Names());
  EXPECT_EQ(plan.state("b"), State::restarting);
  EXPECT_EQ(plan.state("c"), State::running);
  EXPECT_EQ(start_due(plan, at(1s)), Names{"b"});
  EXPECT_EQ(plan.state("b"), State::running);
  EXPECT_EQ(plan.next_start(), Clock::kNever);
}

TEST(RestartPlan, one_for_all_stops_the_others_right_to_left_and_starts_all_left_to_right) {
  RestartPlan plan = abcd(Strategy::one_for_all);
  EXPECT_EQ(plan.ended("b", Exit::abnormal, at(1s)).stop, (Names{"d", "c", "a"}));
  EXPECT_EQ(start_due(plan, at(1s)), (Names{"a", "b", "c", "d"}));
}

TEST(RestartPlan, rest_for_one_stops_and_starts_those_after_the_failed_one) {
  RestartPlan plan = abcd(Strategy::rest_for_one);
  EXPECT_EQ(plan.ended("b", Exit::abnormal, at(1s)).stop, (Names{"d", "c"}));
  EXPECT_EQ(plan.state("a"), State::running);
  EXPECT_EQ(start_due(plan, at(1s)), (Names{"b", "c", "d"}));
}

TEST(RestartPlan, rest_for_one_of_the_last_one_is_that_one_and_of_the_first_one_all) {
  RestartPlan plan = abcd(Strategy::rest_for_one);
  EXPECT_EQ(plan.ended("d", Exit::abnormal, at(1s)).stop, Names());
  EXPECT_EQ(start_due(plan, at(1s)), Names{"d"});
  EXPECT_EQ(plan.ended("a", Exit::abnormal, at(2s)).stop, (Names{"d", "c", "b"}));
  EXPECT_EQ(start_due(plan, at(2s)), (Names{"a", "b", "c", "d"}));
}

TEST(RestartPlan, simple_one_for_one_restarts_the_one_that_failed) {
  RestartPlan plan = abcd(Strategy::simple_one_for_one);
  EXPECT_EQ(plan.ended("b", Exit::abnormal, at(1s)).stop, Names());
  EXPECT_EQ(start_due(plan, at(1s)), Names{"b"});
}

TEST(RestartPlan, all_are_stopped_right_to_left) {
  RestartPlan plan = abcd(Strategy::one_for_one);
  plan.terminated("b");
  EXPECT_EQ(plan.stop_order(), (Names{"d", "c", "a"}));
}

// --- restart types ---

TEST(RestartPlan, every_kind_of_child_and_exit) {
  struct Row {
    Restart restart;
    Exit exit;
    Action action;
    bool stays;
  };
  for (const Row& row : {Row{Restart::permanent, Exit::normal, Action::restart, true},
                         Row{Restart::permanent, Exit::abnormal, Action::restart, true},
                         Row{Restart::transient, Exit::normal, Action::nothing, true},
                         Row{Restart::transient, Exit::abnormal, Action::restart, true},
                         Row{Restart::temporary, Exit::normal, Action::nothing, false},
                         Row{Restart::temporary, Exit::abnormal, Action::nothing, false}}) {
    for (Strategy strategy : {Strategy::one_for_one, Strategy::one_for_all, Strategy::rest_for_one}) {
      RestartPlan plan = plan_of({.strategy = strategy}, {{.name = "a", .restart = row.restart}, {.name = "b"}});
      const auto decision = plan.ended("a", row.exit, at(1s));
      EXPECT_EQ(decision.action, row.action);
      EXPECT_EQ(decision.stop.empty(), row.action != Action::restart || strategy == Strategy::one_for_one);
      EXPECT_EQ(plan.has("a"), row.stays);
    }
  }
}

TEST(RestartPlan, a_permanent_child_is_restarted_whatever_it_ended_with) {
  RestartPlan plan = plan_of({}, {{"a"}});
  EXPECT_EQ(plan.ended("a", Exit::normal, at(1s)).action, Action::restart);
}

TEST(RestartPlan, a_transient_child_is_restarted_when_it_failed_only) {
  RestartPlan plan = plan_of({}, {{"a", Restart::transient}});
  EXPECT_EQ(plan.ended("a", Exit::abnormal, at(1s)).action, Action::restart);
  start_due(plan, at(1s));
  EXPECT_EQ(plan.ended("a", Exit::normal, at(2s)).action, Action::nothing);
  EXPECT_EQ(plan.state("a"), State::stopped);
}

TEST(RestartPlan, a_temporary_child_is_never_restarted_and_its_specification_goes_with_it) {
  RestartPlan plan = plan_of({}, {{"a", Restart::temporary}});
  EXPECT_EQ(plan.ended("a", Exit::abnormal, at(1s)).action, Action::nothing);
  EXPECT_FALSE(plan.has("a"));
}

TEST(RestartPlan, a_temporary_sibling_is_stopped_with_the_others_and_not_started_again) {
  for (Strategy strategy : {Strategy::one_for_all, Strategy::rest_for_one}) {
    RestartPlan plan = plan_of({.strategy = strategy}, {{"a"}, {"b", Restart::temporary}, {"c", Restart::transient}});
    EXPECT_EQ(plan.ended("a", Exit::abnormal, at(1s)).stop, (Names{"c", "b"}));
    EXPECT_EQ(start_due(plan, at(1s)), (Names{"a", "c"}));
    EXPECT_FALSE(plan.has("b"));
  }
}

TEST(RestartPlan, a_child_of_a_simple_one_for_one_that_is_not_restarted_is_gone) {
  RestartPlan plan = plan_of({.strategy = Strategy::simple_one_for_one}, {{"a", Restart::transient}, {"b"}});
  plan.ended("a", Exit::normal, at(1s));
  EXPECT_FALSE(plan.has("a"));
  plan.terminated("b");
  EXPECT_FALSE(plan.has("b"));
}

// --- intensity and period ---

TEST(RestartPlan, by_default_the_second_restart_in_5_s_is_one_too_many) {
  RestartPlan plan = plan_of({}, {{"a"}});
  EXPECT_EQ(plan.ended("a", Exit::abnormal, at(1s)).action, Action::restart);
  start_due(plan, at(1s));
  EXPECT_EQ(plan.ended("a", Exit::abnormal, at(6s)).action, Action::give_up);  // 5 s later is within 5 s
}

TEST(RestartPlan, restarts_that_are_longer_ago_than_the_period_do_not_count) {
  RestartPlan plan = plan_of({}, {{"a"}});
  for (int i = 0; i < 10; ++i) {
    const Clock::time_point now = at(i * 5001ms);
    EXPECT_EQ(plan.ended("a", Exit::abnormal, now).action, Action::restart) << i;
    EXPECT_EQ(start_due(plan, now), Names{"a"});
  }
}

TEST(RestartPlan, as_many_restarts_as_the_intensity_are_allowed_in_any_period) {
  for (int intensity : {1, 2, 3, 10}) {
    RestartPlan plan = plan_of({.intensity = intensity, .period = 10s, .backoff = kNoPauses}, {{"a"}});
    for (int i = 0; i < intensity; ++i) {
      EXPECT_EQ(plan.ended("a", Exit::abnormal, at(i * 1ms)).action, Action::restart);
      start_due(plan, at(i * 1ms));
    }
    EXPECT_EQ(plan.ended("a", Exit::abnormal, at(9s)).action, Action::give_up);
  }
}

TEST(RestartPlan, the_window_slides) {
  RestartPlan plan = plan_of({.intensity = 2, .period = 10s, .backoff = kNoPauses}, {{"a"}});
  for (const auto& [when, action] : std::vector<std::pair<Clock::duration, Action>>{
           {0s, Action::restart}, {9s, Action::restart}, {10001ms, Action::restart}, {18s, Action::give_up}}) {
    EXPECT_EQ(plan.ended("a", Exit::abnormal, at(when)).action, action);
    start_due(plan, at(when));
  }
}

TEST(RestartPlan, intensity_0_allows_no_restart) {
  RestartPlan plan = plan_of({.intensity = 0}, {{"a"}});
  EXPECT_EQ(plan.ended("a", Exit::abnormal, at(1h)).action, Action::give_up);
}

TEST(RestartPlan, the_restarts_of_all_children_count_together_and_a_group_counts_once) {
  RestartPlan plan = abcd(Strategy::one_for_all, 2);
  EXPECT_EQ(plan.ended("a", Exit::abnormal, at(1s)).action, Action::restart);
  start_due(plan, at(1s));
  EXPECT_EQ(plan.ended("b", Exit::abnormal, at(2s)).action, Action::restart);
  start_due(plan, at(2s));
  EXPECT_EQ(plan.ended("c", Exit::abnormal, at(3s)).action, Action::give_up);
  EXPECT_EQ(plan.stop_order(), (Names{"d", "b", "a"}));
}

TEST(RestartPlan, ends_that_are_not_restarted_do_not_count) {
  RestartPlan plan = plan_of({.intensity = 0}, {{"a", Restart::transient}, {"b", Restart::temporary}});
  EXPECT_EQ(plan.ended("a", Exit::normal, at(1s)).action, Action::nothing);
  EXPECT_EQ(plan.ended("b", Exit::abnormal, at(1s)).action, Action::nothing);
}

// --- starts that fail ---

TEST(RestartPlan, a_failed_restart_is_tried_again_and_counts) {
  RestartPlan plan = abcd(Strategy::one_for_one, 2);
  plan.ended("b", Exit::abnormal, at(1s));
  EXPECT_EQ(plan.take_due(at(1s)), Names{"b"});
  EXPECT_EQ(plan.start_failed("b", at(1s)).action, Action::restart);
  EXPECT_EQ(plan.take_due(at(1s)), Names{"b"});
  EXPECT_EQ(plan.start_failed("b", at(1s)).action, Action::give_up);
}

TEST(RestartPlan, when_a_group_fails_to_start_in_the_middle_it_starts_over_by_the_strategy) {
  RestartPlan all = abcd(Strategy::one_for_all);
  all.ended("a", Exit::abnormal, at(1s));
  EXPECT_EQ(all.take_due(at(1s)), (Names{"a", "b", "c", "d"}));
  all.started("a", at(1s));
  all.started("b", at(1s));
  EXPECT_EQ(all.start_failed("c", at(1s)).stop, (Names{"b", "a"}));
  EXPECT_EQ(all.take_due(at(1s)), (Names{"a", "b", "c", "d"}));

  RestartPlan rest = abcd(Strategy::rest_for_one);
  rest.ended("a", Exit::abnormal, at(1s));
  EXPECT_EQ(rest.take_due(at(1s)), (Names{"a", "b", "c", "d"}));
  rest.started("a", at(1s));
  rest.started("b", at(1s));
  EXPECT_EQ(rest.start_failed("c", at(1s)).stop, Names());
  EXPECT_EQ(rest.take_due(at(1s)), (Names{"c", "d"}));
}

// --- pauses ---

constexpr Backoff kExact{.first = 100ms, .factor = 2, .longest = 1s, .jitter = 0};

TEST(RestartPlan, the_first_restart_is_at_once_and_the_pauses_before_the_next_double_up_to_the_longest) {
  RestartPlan plan = plan_of({.intensity = 100, .backoff = kExact}, {{"a"}});
  Clock::time_point now = at(0s);
  for (Clock::duration pause : {0ms, 100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
    EXPECT_EQ(plan.ended("a", Exit::abnormal, now).pause, pause);
    EXPECT_EQ(plan.next_start(), now + pause);
    if (pause > 0ms) {
      EXPECT_EQ(plan.take_due(now + pause - 1ns), Names());
    }
    now += pause;
    EXPECT_EQ(start_due(plan, now), Names{"a"});
  }
}

TEST(RestartPlan, no_pause_stays_none_and_a_long_one_the_longest_however_often_a_child_ends) {
  for (const Backoff& backoff : {Backoff{.first = 0s}, Backoff{.first = 1ns, .longest = 1s, .jitter = 0}}) {
    RestartPlan plan = plan_of({.intensity = 5000, .backoff = backoff}, {{"a"}});
    Clock::duration pause{};
    for (int i = 0; i < 2000; ++i) {
      pause = plan.ended("a", Exit::abnormal, at(1s)).pause;
      start_due(plan, at(1h));
    }
    EXPECT_EQ(pause, backoff.first == 0s ? 0s : backoff.longest);
  }
}

TEST(RestartPlan, a_child_that_has_run_for_a_period_is_restarted_at_once_again) {
  RestartPlan plan = plan_of({.intensity = 100, .period = 5s, .backoff = kExact}, {{"a"}});
  plan.ended("a", Exit::abnormal, at(0s));
  start_due(plan, at(0s));
  EXPECT_EQ(plan.ended("a", Exit::abnormal, at(4999ms)).pause, 100ms);
  start_due(plan, at(6s));
  EXPECT_EQ(plan.ended("a", Exit::abnormal, at(11s)).pause, 0ms);
}

TEST(RestartPlan, one_childs_pauses_are_not_anothers) {
  RestartPlan plan = plan_of({.intensity = 100, .backoff = kExact}, {{"a"}, {"b"}});
  plan.ended("a", Exit::abnormal, at(0s));
  start_due(plan, at(0s));
  EXPECT_EQ(plan.ended("a", Exit::abnormal, at(1ms)).pause, 100ms);
  EXPECT_EQ(plan.ended("b", Exit::abnormal, at(2ms)).pause, 0ms);
  EXPECT_EQ(start_due(plan, at(2ms)), Names{"b"});
  EXPECT_EQ(start_due(plan, at(101ms)), Names{"a"});
}

TEST(RestartPlan, jitter_moves_a_pause_by_no_more_than_its_part_and_depends_on_the_seed_alone) {
  const auto pauses = [](std::uint64_t seed) {
    RestartPlan plan =
        plan_of({.intensity = 1000, .backoff = {.first = 1s, .factor = 1, .longest = 1s, .jitter = 0.25, .seed = seed}},
                {{"a"}});
    std::vector<Clock::duration> pauses;
    for (int i = 0; i < 100; ++i) {
      pauses.push_back(plan.ended("a", Exit::abnormal, at(0s)).pause);
      start_due(plan, at(2s));
    }
    pauses.erase(pauses.begin());
    return pauses;
  };
  EXPECT_EQ(pauses(1), pauses(1));
  EXPECT_NE(pauses(1), pauses(2));
  const auto [shortest, longest] = std::ranges::minmax(pauses(3));
  EXPECT_GE(shortest, 750ms);
  EXPECT_LE(longest, 1250ms);
  EXPECT_GT(longest - shortest, 300ms);
}

TEST(RestartPlan, a_failure_during_the_pause_of_a_group_makes_one_group_of_both) {
  RestartPlan plan =
      plan_of({.strategy = Strategy::rest_for_one, .intensity = 100, .backoff = kExact}, {{"a"}, {"b"}, {"c"}});
  plan.ended("b", Exit::abnormal, at(0s));
  start_due(plan, at(0s));
  EXPECT_EQ(plan.ended("b", Exit::abnormal, at(1ms)).stop, Names{"c"});  // both start again at 101 ms
  EXPECT_EQ(plan.ended("a", Exit::abnormal, at(2ms)).stop, Names());
  EXPECT_EQ(plan.take_due(at(100ms)), Names());
  EXPECT_EQ(start_due(plan, at(101ms)), (Names{"a", "b", "c"}));
  EXPECT_EQ(plan.next_start(), Clock::kNever);
}

// --- children that come and go at run time ---

TEST(RestartPlan, terminate_child_keeps_the_specification_and_restart_child_may_follow) {
  RestartPlan plan = abcd(Strategy::one_for_one);
  plan.terminated("b");
  EXPECT_EQ(plan.state("b"), State::stopped);
  EXPECT_EQ(refusal([&] { plan.check_can_restart("b"); }), "");
  plan.started("b", at(1s));
  EXPECT_EQ(plan.names(), (Names{"a", "b", "c", "d"}));
}

TEST(RestartPlan, terminate_child_of_a_temporary_child_removes_its_specification) {
  RestartPlan plan = plan_of({}, {{"a", Restart::temporary}});
  plan.terminated("a");
  EXPECT_FALSE(plan.has("a"));
}

TEST(RestartPlan, terminate_child_calls_a_restart_off_but_not_that_of_its_siblings) {
  RestartPlan plan = abcd(Strategy::one_for_all);
  plan.ended("b", Exit::abnormal, at(1s));
  plan.terminated("b");
  plan.terminated("c");
  EXPECT_EQ(start_due(plan, at(1s)), (Names{"a", "d"}));

  RestartPlan one = abcd(Strategy::one_for_one);
  one.ended("b", Exit::abnormal, at(1s));
  one.terminated("b");
  EXPECT_EQ(one.next_start(), Clock::kNever);
}

TEST(RestartPlan, a_stopped_child_is_started_with_its_group) {
  RestartPlan plan = plan_of({.strategy = Strategy::one_for_all}, {{"a"}, {"b"}, {"c", Restart::transient}});
  plan.terminated("b");
  plan.ended("c", Exit::normal, at(1s));
  EXPECT_EQ(plan.ended("a", Exit::abnormal, at(2s)).stop, Names());
  EXPECT_EQ(start_due(plan, at(2s)), (Names{"a", "b", "c"}));
}

TEST(RestartPlan, restart_child_and_delete_child_are_for_children_that_are_stopped) {
  RestartPlan plan = abcd(Strategy::one_for_one);
  EXPECT_TRUE(contains(refusal([&] { plan.check_can_restart("a"); }), "child \"a\" is running: terminate_child()"));
  EXPECT_TRUE(contains(refusal([&] { plan.check_can_delete("a"); }), "child \"a\" is running: terminate_child()"));
  plan.ended("a", Exit::abnormal, at(1s));
  EXPECT_TRUE(contains(refusal([&] { plan.check_can_restart("a"); }), "being restarted already"));
  EXPECT_TRUE(contains(refusal([&] { plan.check_can_delete("a"); }), "being restarted: terminate_child()"));
  plan.terminated("a");
  EXPECT_EQ(refusal([&] { plan.check_can_delete("a"); }), "");
  for (const auto& check :
       {&RestartPlan::check_can_restart, &RestartPlan::check_can_delete, &RestartPlan::check_can_terminate}) {
    EXPECT_TRUE(contains(refusal([&] { (plan.*check)("x"); }), "no child \"x\"; which_children()"));
  }
}

TEST(RestartPlan, children_of_a_simple_one_for_one_cannot_be_restarted_or_deleted_by_hand) {
  RestartPlan plan = abcd(Strategy::simple_one_for_one);
  EXPECT_TRUE(contains(refusal([&] { plan.check_can_restart("a"); }), "simple_one_for_one"));
  EXPECT_TRUE(contains(refusal([&] { plan.check_can_delete("a"); }), "simple_one_for_one"));
}

TEST(RestartPlan, a_name_is_taken_until_its_specification_is_gone) {
  RestartPlan plan = abcd(Strategy::one_for_one);
  EXPECT_TRUE(contains(refusal([&] { plan.add({"a"}); }), "has a child \"a\" already, which runs"));
  plan.terminated("a");
  EXPECT_TRUE(contains(refusal([&] { plan.add({"a"}); }),
                       "which does not run: give the other one another name, restart_child() it"));
  plan.remove("a");
  plan.add({"a"});
  EXPECT_EQ(plan.names(), (Names{"b", "c", "d", "a"}));
}

TEST(RestartPlan, a_child_that_is_added_later_is_the_last_one) {
  RestartPlan plan = abcd(Strategy::rest_for_one);
  plan.add({"e"});
  plan.started("e", at(1s));
  EXPECT_EQ(plan.ended("d", Exit::abnormal, at(2s)).stop, Names{"e"});
}

// --- significant children ---

RestartPlan significant(AutoShutdown when) {
  return plan_of({.auto_shutdown = when}, {{"a"}, {"b", Restart::transient, true}, {"c", Restart::temporary, true}});
}

TEST(RestartPlan, any_significant_shuts_down_when_the_first_significant_child_has_ended) {
  RestartPlan plan = significant(AutoShutdown::any_significant);
  EXPECT_EQ(plan.ended("b", Exit::normal, at(1s)).action, Action::shut_down);
  RestartPlan temporary = significant(AutoShutdown::any_significant);
  EXPECT_EQ(temporary.ended("c", Exit::abnormal, at(1s)).action, Action::shut_down);
}

TEST(RestartPlan, all_significant_shuts_down_when_the_last_significant_child_has_ended) {
  RestartPlan plan = significant(AutoShutdown::all_significant);
  EXPECT_EQ(plan.ended("b", Exit::normal, at(1s)).action, Action::nothing);
  EXPECT_EQ(plan.ended("c", Exit::abnormal, at(1s)).action, Action::shut_down);
}

TEST(RestartPlan, a_significant_child_that_is_restarted_has_not_ended) {
  RestartPlan plan = significant(AutoShutdown::all_significant);
  EXPECT_EQ(plan.ended("b", Exit::abnormal, at(1s)).action, Action::restart);
  EXPECT_EQ(plan.ended("c", Exit::normal, at(1s)).action, Action::nothing);
}

TEST(RestartPlan, terminating_a_significant_child_shuts_nothing_down) {
  RestartPlan plan = significant(AutoShutdown::any_significant);
  plan.terminated("b");
  plan.terminated("c");
  EXPECT_EQ(plan.stop_order(), Names{"a"});
}

TEST(RestartPlan, significant_children_need_an_end_and_a_supervisor_that_shuts_down) {
  RestartPlan plan({.auto_shutdown = AutoShutdown::any_significant});
  EXPECT_TRUE(contains(refusal([&] { plan.add({"a", Restart::permanent, true}); }), "cannot be significant"));
  RestartPlan never{SupervisorOptions{}};
  EXPECT_TRUE(contains(refusal([&] {
                         never.add({"a", Restart::transient, true});
                       }),
                       "set SupervisorOptions.auto_shutdown"));
}

// --- options ---

TEST(RestartPlan, numbers_that_make_no_sense_are_refused) {
  const auto refused = [](SupervisorOptions options) { return refusal([&] { RestartPlan plan(options); }); };
  EXPECT_TRUE(
      contains(refused({.intensity = -1}), "intensity is a number of restarts from 0 (none) to 1000000, not -1"));
  EXPECT_TRUE(contains(refused({.intensity = 1'000'001}), "not 1000001"));
  EXPECT_TRUE(contains(refused({.period = 0s}), "not 0"));
  EXPECT_TRUE(contains(refused({.period = -1s}), "not -1s"));
  EXPECT_TRUE(contains(refused({.period = 10000h}), "at most a year"));
  EXPECT_TRUE(contains(refused({.backoff = {.first = -1s}}), "got -1s"));
  EXPECT_TRUE(contains(refused({.backoff = {.first = 2s, .longest = 1s}}), "got 2s and 1s"));
  EXPECT_TRUE(contains(refused({.backoff = {.factor = 0.5}}), "backoff.factor is 1"));
  EXPECT_TRUE(contains(refused({.backoff = {.factor = std::numeric_limits<double>::quiet_NaN()}}), "factor"));
  EXPECT_TRUE(contains(refused({.backoff = {.jitter = 1.5}}), "jitter is a part from 0"));
  EXPECT_EQ(refused({.intensity = 1'000'000, .period = 1ns}), "");
}

// --- everything at once: nothing is lost or started twice, whatever fails when ---

TEST(RestartPlan, under_random_failures_each_child_is_running_or_waits_for_exactly_one_start) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 chance(seed);
    const auto strategy = static_cast<Strategy>(seed % 3);
    RestartPlan plan = plan_of({.strategy = strategy, .intensity = 1'000'000, .backoff = {.seed = seed}},
                               {{"a"}, {"b", Restart::transient}, {"c"}, {"d"}});
    Clock::time_point now = at(0s);
    std::map<std::string, bool> running = {{"a", true}, {"b", true}, {"c", true}, {"d", true}};
    const auto obey = [&](const RestartPlan::Decision& decision) {
      for (const std::string& name : decision.stop) {
        EXPECT_TRUE(running[name]) << "stops what does not run: " << name;
        running[name] = false;
      }
    };
    for (int step = 0; step < 100; ++step) {
      now += std::chrono::milliseconds(chance() % 50);
      for (std::vector<std::string> due = plan.take_due(now); !due.empty(); due = plan.take_due(now)) {
        for (const std::string& name : due) {
          EXPECT_FALSE(running[name]) << "starts what runs: " << name;
          if (chance() % 4 == 0) {
            obey(plan.start_failed(name, now));
            break;
          }
          running[name] = true;
          plan.started(name, now);
        }
      }
      const std::string victim(1, static_cast<char>('a' + chance() % 4));
      if (running[victim]) {
        running[victim] = false;
        obey(plan.ended(victim, Exit::abnormal, now));
      }
      for (const auto& [name, runs] : running) EXPECT_EQ(plan.state(name), runs ? State::running : State::restarting);
    }
    while (plan.next_start() != Clock::kNever) start_due(plan, plan.next_start());
    for (const std::string& name : plan.names()) EXPECT_EQ(plan.state(name), State::running);
  }
}

}  // namespace
}  // namespace tractor
