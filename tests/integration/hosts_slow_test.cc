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

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
