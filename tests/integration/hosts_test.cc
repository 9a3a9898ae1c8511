// Two hosts: what is unreachable, and what only takes long.
#include "hosts.h"

#include "trace.h"

namespace tractor::test {
namespace {

TEST_F(Hosts, A44_a_short_cut_only_delays) {
  with_far_actor([&](Portal& far) {
    int answer = 0;
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] { answer = far.run(answer_after, 1s); });
      tractor::sleep(100ms);
      host_->pull_out();
      tractor::sleep(1s);
      host_->plug_in();
    });
    EXPECT_EQ(answer, 42);
  });
}

TEST_F(Hosts, A44_a_long_cut_fails_calls_by_their_deadline_or_as_unreachable_and_new_calls_work_afterwards) {
  with_far_actor([&](Portal& far) {
    int ended = 0;
    std::vector<int> items;
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] {
        EXPECT_LT(time_to_fail([&] { far.run(wait_forever); }), within(limit_ + 100ms));
        ++ended;
      });
      t.start_soon([&] {
        EXPECT_LT(time_to_fail([&] {
                    for (int item : far.run(count_up)) items.push_back(item);
                  }),
                  within(limit_ + 100ms));
        ++ended;
      });
      t.start_soon([&] {
        const auto start = monotonic_now();
        // It ends by its deadline, or, because nobody acknowledges that, as given up.
        EXPECT_THROW(fail_after(500ms, [&] { far.run(wait_forever); }), Error);
        EXPECT_LT(monotonic_now() - start, within(500ms + 500ms));
        ++ended;
      });
      tractor::sleep(100ms);
      host_->pull_out();
    });
    EXPECT_EQ(ended, 3);
    EXPECT_EQ(items, (std::vector<int>{0, 1, 2}));
    EXPECT_LT(time_to_fail([&] { far.run(answer_after, 0s); }), within(limit_));  // a new one
    tractor::sleep(2s);                                                           // the far host gives us up, too
    host_->plug_in();
    EXPECT_TRUE(works_again(far));
    EXPECT_TRUE(eventually([&] { return far.run(count_ended_by_cancel) == 2; }, within(limit_)));
  });
}

TEST_F(Hosts, A50_a_standalone_actor_joins_an_arbiter_on_another_host_is_found_called_and_leaves) {
  run({.name = "near",
       .arbiter = "10.0.0.2:1616",
       .modules = {"hosts"},
       .listen = {"10.0.0.1:0"},
       .insecure = true,
       .unreachable_after = limit_},
      [&] {
        hide_unix_sockets(runtime_directory());
        EXPECT_EQ(find_actor("far").value().run(answer_of, "near"), 42);
      });
  with_far_actor([](Portal& far) { EXPECT_EQ(far.run(answer_of, "near"), -1); });
}

TEST_F(Hosts, who_computes_for_long_is_not_unreachable) {
  with_far_actor([&](Portal& far) { EXPECT_EQ(far.run(compute_for, limit_ * 5 / 2), 42); });
}

TEST_F(Hosts, who_computes_for_long_reaches_others) {
  with_far_actor([&](Portal& far) {
    int answer = 0;
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] { answer = far.run(answer_after, 1s); });
      tractor::sleep(100ms);
      compute_for(limit_ * 5 / 2);
    });
    EXPECT_EQ(answer, 42);
  });
}

TEST_F(Hosts, A40_who_is_stopped_for_long_is_unreachable_not_sooner_and_until_it_goes_on) {
  with_far_actor([&](Portal& far) {
    int failed = 0;
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] {
        time_to_fail([&] { far.run(wait_forever); });
        ++failed;
      });
      EXPECT_EQ(far.run(answer_after, 0s), 42);
      host_->process().signal(SIGSTOP);
      const auto time = time_to_fail([&] { far.run(answer_after, 0s); });
      EXPECT_GT(time, limit_ * 6 / 10);
      EXPECT_LT(time, within(limit_ + 100ms));
    });
    EXPECT_EQ(failed, 1);
    host_->process().signal(SIGCONT);
    EXPECT_TRUE(works_again(far));
  });
}

TEST_F(Hosts, a_monitor_of_who_is_cut_off_tells_once_that_it_is_unreachable) {
  with_far_actor([&](Portal& far) {
    std::vector<Down> told;
    const Monitor monitor = far.monitor([&](const Down& down) { told.push_back(down); });
    EXPECT_EQ(far.run(answer_after, 0s), 42);
    host_->pull_out();
    EXPECT_TRUE(eventually([&] { return !told.empty(); }, within(limit_)));
    host_->plug_in();
    EXPECT_TRUE(works_again(far));
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].reason, Down::Reason::unreachable);
    EXPECT_EQ(told[0].actor.name, "far");
  });
}

TEST_F(Hosts, a_caller_that_is_stopped_for_long_is_unreachable_too_and_its_calls_are_cancelled) {
  Process caller = Process::as("calls_far", {std::to_string(limit_ / 1ms)});
  ASSERT_TRUE(caller.prints("calls")) << caller.err();
  with_far_actor([&](Portal& far) {
    caller.signal(SIGSTOP);
    EXPECT_EQ(far.run(count_ended_by_cancel), 0);
    EXPECT_TRUE(eventually([&] { return far.run(count_ended_by_cancel) == 1; }, within(limit_)));
  });
  caller.signal(SIGCONT);
  EXPECT_EQ(caller.wait(), Exit{.code = 1});
  EXPECT_TRUE(contains(caller.err(), "far"));
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
