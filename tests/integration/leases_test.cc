// Registrations from another host than the arbiter's: they have a lease.
#include "arbiter_wire.h"
#include "hosts.h"

namespace tractor::test {
namespace {

class Leases : private NearHost, public RealProcesses {
 protected:
  static constexpr auto kTtl = 3s;
  Leases() { keeps_descriptors(); }  // what was cut off closes later
  void SetUp() override {
    grpc::ClientContext context;
    context.set_deadline(soon());
    context.set_wait_for_ready(true);
    v1::FindResponse response;
    ASSERT_TRUE(wire_.stub().Find(&context, {}, &response).ok());
  }
  void TearDown() override {
    host_.reset();
    RealProcesses::TearDown();
  }
  static Process joined() {
    Process near = Process::as("joins_from_near");
    EXPECT_TRUE(near.prints("joined")) << near.err();
    return near;
  }
  bool listed() { return !wire_.find("near").empty(); }
  // How long it is still listed.
  std::chrono::nanoseconds time_listed() {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(eventually([&] { return !listed(); }, 3 * kTtl * kSlowness));
    return std::chrono::steady_clock::now() - start;
  }

  std::unique_ptr<FarHost> host_ = std::make_unique<FarHost>("far_arbiter", std::vector<std::string>{"3"});
  Wire wire_{"10.0.0.2:1616"};
};

TEST_F(Leases, a_program_on_another_host_is_told_its_lease_and_stays_as_long_as_it_lives) {
  Tree tree(wire_);
  EXPECT_EQ(tree.welcome.ttl().seconds(), 3);
  Process near = joined();
  std::this_thread::sleep_for(2 * kTtl);
  EXPECT_TRUE(listed());
  near.signal(SIGTERM);
  EXPECT_EQ(near.wait(), Exit{.code = 143});
  EXPECT_FALSE(listed());  // it said goodbye
}

TEST_F(Leases, a_killed_program_on_another_host_stays_for_its_lease_and_no_longer) {
  killed_a_root();
  Process near = joined();
  near.signal(SIGKILL);
  near.wait();
  EXPECT_TRUE(listed());  // its connection is lost: that could be the network
  const auto time = time_listed();
  EXPECT_GT(time, kTtl / 2);
  EXPECT_LT(time, kTtl + 1s * kSlowness);
}

TEST_F(Leases, a_program_that_is_cut_off_is_gone_after_its_lease_and_listed_again_when_it_is_back) {
  Process near = joined();
  host_->pull_out();
  std::this_thread::sleep_for(kTtl + 2s);
  host_->plug_in();
  EXPECT_TRUE(eventually([&] { return listed(); }, 15s * kSlowness));
  near.signal(SIGTERM);
  EXPECT_EQ(near.wait(), Exit{.code = 143});
}

TEST_F(Leases, a_program_that_is_stopped_is_gone_after_its_lease_and_registers_again_when_it_goes_on) {
  Process near = joined();
  near.signal(SIGSTOP);
  EXPECT_LT(time_listed(), kTtl + 1s * kSlowness);
  near.signal(SIGCONT);
  EXPECT_TRUE(eventually([&] { return listed(); }, 10s * kSlowness));
  near.signal(SIGTERM);
  EXPECT_EQ(near.wait(), Exit{.code = 143});
}

TEST_F(Leases, who_has_an_exclusive_name_and_is_cut_off_is_told_when_its_lease_is_over) {
  Process near = Process::as("leads_from_near");
  ASSERT_TRUE(near.prints("leads")) << near.err();
  host_->pull_out();
  EXPECT_EQ(near.wait(), Exit{.code = 1});
  EXPECT_TRUE(contains(near.err(), "has not renewed the claim for 3s: another may have the name by now"));
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
