// A network that is cut for a minute, with the limits that programs have by default.
#include "hosts.h"

namespace tractor::test {
namespace {

class LongCut : public Hosts {
 protected:
  LongCut() : Hosts(kUnreachableAfter) { alarm(180); }
};

TEST_F(LongCut, A44_a_cut_of_a_minute_fails_calls_within_15_s_and_new_calls_work_afterwards) {
  with_far_actor([&](Portal& far) {
    const auto start = monotonic_now();
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] { EXPECT_LT(time_to_fail([&] { far.run(wait_forever); }), limit_ + 1s * kSlowness); });
      tractor::sleep(100ms);
      host_->pull_out();
    });
    while (monotonic_now() - start < 60s) {
      EXPECT_LT(time_to_fail([&] { far.run(answer_after, 0s); }), limit_ + 2s * kSlowness);
      tractor::sleep(1s);
    }
    host_->plug_in();
    EXPECT_TRUE(works_again(far));
    EXPECT_EQ(far.run(count_ended_by_cancel), 1);
  });
}

// Between two signs of life that are asked for, and shorter than it takes to give up.
TEST_F(LongCut, A44_a_cut_of_10_s_delays_calls_or_fails_them_as_unreachable_and_new_calls_work_afterwards) {
  with_far_actor([&](Portal& far) {
    const auto start = monotonic_now();
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] {
        try {
          EXPECT_EQ(far.run(answer_after, 1s), 42);
        } catch (const RemoteActorError& e) {
          EXPECT_EQ(e.kind(), ErrorKind::unavailable) << e.what();
        }
        EXPECT_LT(monotonic_now() - start, limit_ + 5s * kSlowness);
      });
      t.start_soon([&] { EXPECT_THROW(fail_after(2s, [&] { far.run(wait_forever); }), Error); });
      tractor::sleep(100ms);
      host_->pull_out();
      tractor::sleep(10s);
      host_->plug_in();
    });
    EXPECT_TRUE(works_again(far));
    EXPECT_TRUE(eventually([&] { return far.run(count_ended_by_cancel) == 1; }, limit_ + 5s * kSlowness));
  });
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
