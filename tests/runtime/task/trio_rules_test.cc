// Which test holds which of trio's documented rules, in our words; and that each of these tests exists.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace tractor {
namespace {

struct Rule {
  const char* text;
  const char* test;
};

constexpr Rule kRules[] = {
    // --- cancel scopes ---
    {"Cancelling a scope ends its block at the next checkpoint, and the block after it goes on.",
     "CancelScope.cancelling_ends_the_block_at_its_next_checkpoint"},
    {"Cancellation is level-triggered: every further checkpoint in the scope throws, too.",
     "CancelScope.A51_cancellation_is_level_triggered"},
    {"A checkpoint that throws Cancelled lets other tasks run first.",
     "CancelScope.a_cancelled_checkpoint_throws_after_others_had_a_turn"},
    {"A block that meets no checkpoint is not cut short.",
     "CancelScope.a_block_that_meets_no_checkpoint_is_not_cut_short"},
    {"cancelled_caught() tells whether the scope absorbed a Cancelled, cancel_called() whether it was asked to.",
     "CancelScope.a_block_that_meets_no_checkpoint_is_not_cut_short"},
    {"cancel() is idempotent.", "CancelScope.cancelling_twice_is_cancelling_once"},
    {"A scope may be cancelled before it is entered.",
     "CancelScope.A51_cancelling_before_entering_cancels_the_first_checkpoint"},
    {"Cancelling a scope that was left does nothing.", "CancelScope.cancelling_after_the_block_does_nothing"},
    {"A scope reaches the tasks of nurseries opened inside it, and nothing outside.",
     "CancelScope.cancelling_reaches_what_is_inside_and_nothing_else"},
    {"Cancelling an inner scope leaves the outer one alone.",
     "CancelScope.an_inner_scope_does_not_cancel_the_outer_one"},
    {"Of several cancelled scopes the outermost one absorbs, the inner ones let Cancelled pass.",
     "CancelScope.A51_only_the_outermost_cancelled_scope_absorbs"},
    {"Scopes nest as deep as one likes.", "CancelScope.a_thousand_nested_scopes_are_cancelled_from_the_outermost"},
    {"A shield keeps cancellation from outside out; it comes when the shield is left.",
     "CancelScope.A51_a_shield_keeps_outer_cancellation_out"},
    {"A shield does not keep the scope's own cancellation and deadline out.",
     "CancelScope.a_shield_does_not_keep_its_own_cancellation_out"},
    {"A cancelled shielded scope absorbs its own Cancelled inside a cancelled one.",
     "CancelScope.a_cancelled_shielded_scope_absorbs_even_when_the_outer_one_is_cancelled_too"},
    {"A shield may be dropped while tasks wait behind it.",
     "CancelScope.dropping_a_shield_lets_a_pending_cancellation_in"},
    {"A shield may be raised inside a cancelled scope.",
     "CancelScope.raising_a_shield_takes_an_outer_cancellation_away"},
    {"Errors pass through a cancelled scope.", "CancelScope.A51_an_error_passes_through_a_cancelled_scope"},
    {"Cancelled is no ordinary error: handlers of those let it pass.",
     "CancelScope.catching_standard_exceptions_lets_cancelled_pass"},
    {"What catches Cancelled rethrows it; clean-up that waits is shielded.",
     "CancelScope.A51_a_catch_all_that_rethrows_does_not_disturb_cancellation"},
    {"A scope is entered once.", "CancelScope.misuse_is_a_usage_error"},
    {"A deadline cancels the scope when it passes.", "Deadline.a_deadline_cancels_when_it_passes"},
    {"A deadline may be moved, also to never, at any time.", "Deadline.A51_a_deadline_moves_later_and_earlier"},
    {"Another task may move it.", "Deadline.another_task_moves_the_deadline_of_a_parked_one"},
    {"A deadline that has passed cancels at the first checkpoint.",
     "Deadline.a_deadline_that_has_passed_cancels_at_once"},
    {"When two deadlines pass at once the outer scope absorbs.",
     "Deadline.the_outer_of_two_deadlines_passing_at_once_absorbs"},
    {"The effective deadline is the earliest one up to a shield, minus infinity when cancelled.",
     "Deadline.A51_the_effective_deadline_is_the_minimum_up_to_a_shield"},
    {"move_on_after goes on after the block.",
     "MoveOnAfter.goes_on_after_the_block_and_tells_whether_it_was_cut_short"},
    {"fail_after throws TooSlowError when the block was cut short.", "FailAfter.returns_the_value_or_throws_too_slow"},
    {"fail_after with no time left cuts short at the first checkpoint only.",
     "FailAfter.without_time_left_the_block_runs_to_its_first_checkpoint"},
    {"fail_after leaves the cancellation of an outer scope to that one.",
     "FailAfter.an_outer_cancellation_is_not_too_slow"},
    // --- nurseries ---
    {"A nursery ends when its body and all its tasks have ended.",
     "TaskNursery.ends_when_its_body_and_all_its_tasks_have_ended"},
    {"A started task first runs at the starter's next checkpoint.",
     "TaskNursery.tasks_start_in_order_at_the_callers_next_checkpoint"},
    {"A task is in the nursery's scopes, not in its starter's.",
     "TaskNursery.a_task_is_in_the_nurserys_scope_wherever_it_was_started_from"},
    {"Tasks may start more while the body has ended.",
     "TaskNursery.tasks_may_start_more_tasks_while_the_nursery_waits"},
    {"Nothing starts in a nursery that has ended.", "TaskNursery.misuse_is_a_usage_error"},
    {"A task started in a cancelled nursery runs to its first checkpoint.",
     "TaskNursery.a_task_started_in_a_cancelled_nursery_runs_to_its_first_checkpoint"},
    {"An error in a task cancels its siblings and the body.",
     "NurseryErrors.A51_a_failing_child_cancels_its_siblings_and_the_body"},
    {"An error in the body cancels the tasks.", "NurseryErrors.a_failing_body_cancels_its_tasks"},
    {"Several errors come as one group, none lost.",
     "NurseryErrors.twenty_five_errors_at_once_are_a_group_of_twenty_five"},
    {"The errors of body and tasks join.", "NurseryErrors.an_error_of_the_body_and_one_of_a_task_are_a_group"},
    {"One error comes as itself (trio: as a group unless strict_exception_groups is off).",
     "NurseryErrors.one_error_keeps_its_type_and_identity"},
    {"Groups of nested nurseries nest.", "NurseryErrors.groups_nest"},
    {"Groups are split by what a handler would catch.", "ExceptionGroup.split_goes_into_groups_and_keeps_their_shape"},
    {"An error during cancellation is not lost.",
     "NurseryErrors.an_error_thrown_while_being_cancelled_joins_the_group"},
    {"Cancelled is not reported beside errors.", "NurseryErrors.A51_cancelled_never_hides_an_error"},
    {"cancel_scope ends the nursery's block without an error.",
     "TaskNursery.cancelling_its_scope_ends_it_without_an_error"},
    {"A task may cancel the nursery it is in.", "TaskNursery.A51_a_child_may_cancel_the_scope_it_is_in"},
    {"cancel_scope is a scope like others: shield, deadline.",
     "TaskNursery.its_scope_may_be_shielded_and_have_a_deadline"},
    {"Cancellation from outside reaches the tasks and passes through.",
     "TaskNursery.outer_cancellation_reaches_its_tasks_and_passes_through"},
    {"Cancelled while it waits for its tasks, it cancels them and goes on waiting.",
     "TaskNursery.A51_cancelled_during_the_wait_at_its_end_its_tasks_are_cancelled_and_it_throws_cancelled"},
    {"The wait outlasts tasks that shield themselves.", "TaskNursery.A51_the_wait_at_its_end_never_gives_up"},
    {"Inside a shield it is out of reach.", "TaskNursery.A51_inside_a_shielded_scope_it_is_out_of_reach"},
    {"Closing lets others run, also when no task is left.",
     "TaskNursery.closing_lets_others_run_even_when_there_is_nothing_to_wait_for"},
    {"Closing throws no Cancelled when no task is left.",
     "TaskNursery.closing_one_whose_tasks_have_ended_throws_no_cancelled"},
    {"start() returns when the task is ready, with its value.",
     "NurseryStart.waits_until_the_task_is_ready_and_returns_what_it_gives"},
    {"A task that fails before it is ready fails start(), not the nursery.",
     "NurseryStart.A51_a_task_that_fails_before_it_is_ready_fails_its_starter_and_not_the_nursery"},
    {"One that fails later fails the nursery.", "NurseryStart.a_task_that_fails_after_it_is_ready_fails_the_nursery"},
    {"One that ends without having been ready is an error.",
     "NurseryStart.a_task_that_returns_without_a_word_is_an_error"},
    {"started() is called once.", "NurseryStart.being_ready_twice_is_a_usage_error"},
    {"Cancelling start() cancels the task and waits for it.",
     "NurseryStart.cancelled_it_cancels_the_task_and_waits_for_its_clean_up"},
    {"A task that becomes ready under cancellation stays with start().",
     "NurseryStart.a_task_that_is_ready_too_late_stays_with_its_cancelled_starter"},
    {"The task is in start()'s scopes first and moves to the nursery's.",
     "NurseryStart.until_it_is_ready_the_task_is_in_its_starters_scopes_and_then_in_the_nurserys"},
    {"Its own scopes and nurseries move with it.",
     "NurseryStart.scopes_and_nurseries_that_the_task_is_in_move_with_it"},
    {"The nursery stays open while something is being started in it.",
     "NurseryStart.cancelling_the_nursery_does_not_reach_a_task_that_is_not_ready"},
    // --- checkpoints ---
    {"Every call that can wait lets others run and can be cancelled, also when it need not wait.",
     "Checkpoint.every_call_that_can_wait_is_one_even_when_it_need_not"},
    {"A call that throws Cancelled has done nothing.", "Checkpoint.a_call_that_is_cut_short_has_done_nothing"},
    {"Calls that never wait are no checkpoints.", "Checkpoint.calls_that_never_wait_are_none"},
    {"A schedule point alone cannot be cancelled (cancel_shielded_checkpoint).",
     "Checkpoint.yielding_lets_others_run_and_cannot_be_cancelled"},
    {"A thread is waited for, whatever is cancelled.",
     "ToThread.cancelled_meanwhile_it_waits_for_the_thread_and_returns_its_value"},
    {"A lock is handed over first come, first served.",
     "Lock.unlocking_and_locking_again_does_not_overtake_those_that_wait"},
    {"Locking twice, and unlocking what another task locked, is an error.", "Lock.misuse_is_a_usage_error"},
    {"A semaphore's permit goes to the longest waiter.", "Semaphore.a_released_permit_goes_to_the_longest_waiter"},
    {"An event wakes all that wait and stays set.", "Event.is_seen_by_all_that_wait_and_by_all_that_come_later"},
    {"statistics() tell who waits.", "Sync.statistics_tell_who_holds_and_how_many_wait"},
    // --- memory channels ---
    {"Items come out in the order in which they went in; a loop over them ends with the channel.",
     "MemoryChannel.items_arrive_in_order_and_a_loop_over_them_ends_when_the_sender_closes"},
    {"A sender waits while the buffer is full.",
     "MemoryChannel.holds_as_many_items_as_it_has_room_for_and_then_the_sender_waits"},
    {"Without a buffer an item is handed over when both ends are there.",
     "MemoryChannel.without_capacity_an_item_goes_from_hand_to_hand"},
    {"An unbounded buffer never makes a sender wait.", "MemoryChannel.unbounded_its_sender_never_waits"},
    {"send and receive are checkpoints, always.",
     "MemoryChannel.send_and_receive_are_checkpoints_even_when_they_need_not_wait"},
    {"The nowait forms are none; they throw WouldBlock.", "MemoryChannel.the_nowait_forms_are_no_checkpoints"},
    {"A cancelled send has not sent.",
     "MemoryChannel.a_cancelled_send_has_not_sent_and_leaves_the_item_with_its_sender"},
    {"A cancelled receive has lost nothing.",
     "MemoryChannel.a_receiver_that_is_cancelled_after_an_item_was_given_to_it_returns_it"},
    {"Waiting is fair at both ends.", "MemoryChannel.those_that_wait_are_served_in_the_order_in_which_they_came"},
    {"A nowait call does not overtake those that wait.",
     "MemoryChannel.a_sender_that_waits_is_not_overtaken_when_room_appears"},
    {"The channel ends when all senders are closed and its buffer is empty.",
     "MemoryChannel.ends_when_the_last_sender_has_closed_and_all_is_received"},
    {"Receivers that wait are told of the end.", "MemoryChannel.receivers_that_wait_are_told_of_the_end"},
    {"The channel breaks when all receivers are closed, and drops its buffer.",
     "MemoryChannel.breaks_when_the_last_receiver_has_closed_and_drops_what_it_holds"},
    {"Closing a handle ends what waits in it, not in its clones.",
     "MemoryChannel.closing_a_handle_ends_what_waits_in_it_and_not_what_waits_in_its_clones"},
    {"A closed handle cannot be used.", "MemoryChannel.using_a_closed_handle_is_a_closed_error"},
    {"Clones share the items.", "MemoryChannel.many_senders_and_receivers_share_it_and_each_item_arrives_once"},
    {"statistics() tell what it holds and who waits.", "MemoryChannel.its_statistics_tell_what_it_holds_and_who_waits"},
};

// Of this folder, read from its sources: a program knows its own tests only.
std::set<std::string> tests_of_this_folder() {
  std::set<std::string> tests;
  const std::regex definition(R"(^TEST\((\w+),\s+(\w+)\))", std::regex::multiline);
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(__FILE__).parent_path())) {
    std::ifstream file(entry.path());
    std::ostringstream text;
    text << file.rdbuf();
    const std::string source = text.str();
    for (std::sregex_iterator at(source.begin(), source.end(), definition); at != std::sregex_iterator(); ++at) {
      tests.insert((*at)[1].str() + "." + (*at)[2].str());
    }
  }
  return tests;
}

TEST(TrioRules, A51_each_rule_has_a_test) {
  const std::set<std::string> tests = tests_of_this_folder();
  for (const Rule& rule : kRules) {
    EXPECT_TRUE(tests.contains(rule.test)) << "no test " << rule.test << " for: " << rule.text;
  }
}

}  // namespace
}  // namespace tractor
