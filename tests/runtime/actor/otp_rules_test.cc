// Which test holds which of the documented behaviours of Erlang/OTP's supervisor, in our words and with OTP's numbers;
// and that each of these tests exists.
#include "runtime/actor/restart_plan.h"
#include "runtime/process/child_spec.h"
#include "tests/runtime/rules.h"

namespace tractor {
namespace {

constexpr Rule kRules[] = {
    // --- strategies ---
    {"one_for_one: if a child terminates, that one is restarted.",
     "RestartPlan.one_for_one_restarts_the_one_that_failed"},
    {"one_for_one: the other children go on.", "Supervised.a_restart_concerns_no_sibling_of_a_one_for_one"},
    {"one_for_all: all others are terminated, then all are restarted.",
     "RestartPlan.one_for_all_stops_the_others_right_to_left_and_starts_all_left_to_right"},
    {"one_for_all, with processes.",
     "Supervised.one_for_all_stops_the_others_right_to_left_and_starts_all_left_to_right"},
    {"rest_for_one: those after it in start order are terminated, then it and they are restarted.",
     "RestartPlan.rest_for_one_stops_and_starts_those_after_the_failed_one"},
    {"rest_for_one, with processes.", "Supervised.rest_for_one_restarts_those_after_the_failed_one"},
    {"simple_one_for_one: a one_for_one whose children are added dynamically, all of one kind.",
     "Supervised.the_children_of_a_simple_one_for_one_are_of_one_kind_and_come_and_go"},
    {"simple_one_for_one: no child is started with the supervisor.",
     "Supervised.the_children_of_a_simple_one_for_one_are_of_one_kind_and_come_and_go"},
    // --- restart types ---
    {"permanent: always restarted.", "RestartPlan.a_permanent_child_is_restarted_whatever_it_ended_with"},
    {"permanent: also after a normal exit.", "Supervised.a_permanent_child_that_returns_is_started_again"},
    {"transient: restarted only after an abnormal exit.",
     "RestartPlan.a_transient_child_is_restarted_when_it_failed_only"},
    {"transient: not after normal.", "Supervised.a_transient_child_that_returns_is_not_started_again"},
    {"transient: not after shutdown, which is what being cancelled is here.",
     "Supervised.being_cancelled_by_someone_is_a_normal_end"},
    {"temporary: never restarted.", "Supervised.a_temporary_child_is_never_started_again"},
    {"temporary: not even when a sibling's end terminates it (one_for_all, rest_for_one).",
     "RestartPlan.a_temporary_sibling_is_stopped_with_the_others_and_not_started_again"},
    {"temporary: its specification is deleted when it ends.",
     "RestartPlan.a_temporary_child_is_never_restarted_and_its_specification_goes_with_it"},
    // --- intensity and period ---
    {"Defaults: intensity 1, period 5 s.", "OtpRules.the_defaults_are_otps"},
    {"With them, the second restart within 5 s is one too many.",
     "RestartPlan.by_default_the_second_restart_in_5_s_is_one_too_many"},
    {"More than intensity restarts within period terminate all children, then the supervisor.",
     "Supervised.too_many_restarts_end_the_supervisor_with_the_childs_last_failure"},
    {"intensity 10 in period 10 s: ten restarts, not eleven.",
     "RestartPlan.as_many_restarts_as_the_intensity_are_allowed_in_any_period"},
    {"Restarts are counted in a window that slides.", "RestartPlan.the_window_slides"},
    {"intensity 0: no restart.", "Supervised.intensity_0_allows_no_restart_and_the_error_names_the_signal"},
    {"The restarts of all children count together, one of a group once.",
     "RestartPlan.the_restarts_of_all_children_count_together_and_a_group_counts_once"},
    {"When the supervisor terminates, the one above it acts: restarts it, or terminates itself.",
     "Supervised.a_supervisor_in_a_child_restarts_its_own_children_and_is_restarted_when_it_gives_up"},
    {"A restart that fails is tried again, and counts.",
     "Supervised.a_restart_that_fails_is_tried_again_and_counts_as_one"},
    {"When one of a group cannot be restarted, the strategy applies to that one.",
     "RestartPlan.when_a_group_fails_to_start_in_the_middle_it_starts_over_by_the_strategy"},
    // --- start and shutdown ---
    {"Children are started in the order of their specifications, left to right.",
     "Supervised.one_for_all_stops_the_others_right_to_left_and_starts_all_left_to_right"},
    {"If one cannot be started, those started before it are terminated and the supervisor fails.",
     "Supervised.a_child_that_cannot_be_started_at_first_ends_those_before_it_in_reverse_order"},
    {"Children are terminated in reverse start order, one at a time.",
     "Supervised.children_are_stopped_right_to_left_one_after_the_other"},
    {"shutdown: 5000 ms for a worker by default, infinity for a supervisor.", "OtpRules.the_defaults_are_otps"},
    {"shutdown as a time: killed when that is over. brutal_kill: killed at once.",
     "Supervised.a_brutal_kill_gives_no_time_and_a_budget_gives_that_much"},
    {"shutdown infinity: as much time as it takes.", "Supervised.a_child_may_have_all_the_time_it_needs"},
    // --- children at run time ---
    {"start_child adds a child to the right and starts it.", "RestartPlan.a_child_that_is_added_later_is_the_last_one"},
    {"start_child: already_present and {already_started, Pid}.",
     "RestartPlan.a_name_is_taken_until_its_specification_is_gone"},
    {"start_child of one that cannot start discards the specification.",
     "Supervised.a_child_that_start_child_cannot_start_is_not_added"},
    {"simple_one_for_one: start_child appends its arguments to those of the specification.",
     "Supervised.the_arguments_of_start_child_come_after_those_of_the_kind"},
    {"terminate_child keeps the specification.",
     "RestartPlan.terminate_child_keeps_the_specification_and_restart_child_may_follow"},
    {"terminate_child of a temporary child deletes it.",
     "RestartPlan.terminate_child_of_a_temporary_child_removes_its_specification"},
    {"terminate_child of one that does not run is no error.",
     "Supervised.children_are_added_terminated_restarted_and_deleted_at_run_time"},
    {"restart_child and delete_child: running, restarting, not_found.",
     "RestartPlan.restart_child_and_delete_child_are_for_children_that_are_stopped"},
    {"restart_child and delete_child: not for simple_one_for_one.",
     "RestartPlan.children_of_a_simple_one_for_one_cannot_be_restarted_or_deleted_by_hand"},
    {"A child of a simple_one_for_one that ends for good is forgotten.",
     "RestartPlan.a_child_of_a_simple_one_for_one_that_is_not_restarted_is_gone"},
    {"A terminated child is started with its group.", "RestartPlan.a_stopped_child_is_started_with_its_group"},
    {"which_children: running, restarting or undefined. count_children: specs, active, supervisors, workers.",
     "Supervised.children_are_added_terminated_restarted_and_deleted_at_run_time"},
    // --- automatic shutdown ---
    {"auto_shutdown is never by default; significant children are an error then.",
     "RestartPlan.significant_children_need_an_end_and_a_supervisor_that_shuts_down"},
    {"A permanent child cannot be significant.",
     "RestartPlan.significant_children_need_an_end_and_a_supervisor_that_shuts_down"},
    {"any_significant: when any significant child terminates by itself.",
     "RestartPlan.any_significant_shuts_down_when_the_first_significant_child_has_ended"},
    {"all_significant: when the last active significant child has.",
     "RestartPlan.all_significant_shuts_down_when_the_last_significant_child_has_ended"},
    {"Not when a significant child is restarted.", "RestartPlan.a_significant_child_that_is_restarted_has_not_ended"},
    {"Not when the supervisor terminates it.", "RestartPlan.terminating_a_significant_child_shuts_nothing_down"},
    {"It ends without being a failure (reason shutdown).",
     "Supervised.the_end_of_a_significant_child_ends_the_supervisor_without_an_error"},
};

// Some need processes.
TEST(OtpRules, each_rule_has_a_test) {
  const std::filesystem::path here = std::filesystem::path(__FILE__).parent_path();
  std::set<std::string> tests;
  add_tests_of(here, "", tests);
  add_tests_of(here / "../../integration", "supervisor", tests);
  expect_each_has_a_test(kRules, tests);
}

TEST(OtpRules, the_defaults_are_otps) {
  using namespace std::chrono_literals;
  const SupervisorOptions options;
  EXPECT_EQ(options.strategy, Strategy::one_for_one);
  EXPECT_EQ(options.intensity, 1);
  EXPECT_EQ(options.period, 5s);
  EXPECT_EQ(options.auto_shutdown, AutoShutdown::never);
  EXPECT_EQ(RestartPlan::Rule().restart, Restart::permanent);
  EXPECT_FALSE(RestartPlan::Rule().significant);
  EXPECT_EQ(kDefaultBudget, 5000ms);
}

}  // namespace
}  // namespace tractor
