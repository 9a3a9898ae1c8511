// Arbiters over a real etcd: whoever dies, nobody is lost, and what cannot be known is said to be stale.
#include "over_etcd.h"

namespace tractor::test {
namespace {

using EtcdOutage = OverEtcd;

// --- one member ---

TEST_F(EtcdOutage, gone_later_it_serves_what_it_has_as_stale_and_registers_nobody_until_it_is_back) {
  serve(1);
  Process process = arbiter(first_);
  Wire wire(first_);
  Tree tree(wire);
  tree.add(registration("a", "1"));
  Asker asker(first_);
  for (const bool killed : {false, true}) {
    EXPECT_FALSE(is_stale(wire));
    killed ? etcd_->kill(0) : etcd_->signal(0, SIGSTOP);
    EXPECT_TRUE(eventually([&] { return is_stale(wire); }, 10s * kSlowness));
    EXPECT_EQ(wire.find("a"), Ids{"1"});
    const grpc::Status status = status_of_hello(wire);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_TRUE(contains(status.error_message(), "is away"));
    const auto reply = tree.add(registration("b", "2"));
    EXPECT_TRUE(reply->refused().try_again());
    EXPECT_TRUE(wire.find("b").empty());
    killed ? etcd_->start(0) : etcd_->signal(0, SIGCONT);
    EXPECT_TRUE(eventually([&] { return !is_stale(wire); }, 10s * kSlowness));
    EXPECT_EQ(tree.add(registration("b", "2"))->added(), "2");
    tree.remove("2");
  }
  EXPECT_LT(asker.stop(), kOutage);
}

TEST_F(EtcdOutage, after_an_outage_it_catches_up_though_etcd_has_compacted_what_happened) {
  serve(3);  // else it would begin anew with a snapshot, compacted or not
  Process process = arbiter(first_);
  Process other = arbiter(second_);
  Wire wire(first_);
  Wire there(second_);
  Tree tree(there);
  for (const char* actor : {"stays", "goes"}) tree.add(registration(actor, actor));
  Watcher watcher(wire);
  ASSERT_TRUE(watcher.skip_snapshot());
  process.signal(SIGSTOP);
  etcd_->kill(0);
  etcd_->start(0);
  EXPECT_TRUE(eventually([&] { return !is_stale(there) && etcd_->serves(0); }, 20s * kSlowness));
  EXPECT_EQ(tree.remove("goes")->removed(), "goes");
  EXPECT_EQ(tree.add(registration("comes", "comes"))->added(), "comes");
  const std::string revision = std::to_string([&] {
    Watcher now(there);
    EXPECT_TRUE(now.skip_snapshot());
    return now.last.revision();
  }());
  EXPECT_TRUE(contains(etcd_->ask("compact " + revision), "compacted"));
  process.signal(SIGCONT);
  EXPECT_TRUE(eventually([&] { return wire.find("comes") == Ids{"comes"}; }, 20s * kSlowness));
  EXPECT_TRUE(wire.find("goes").empty());
  EXPECT_EQ(wire.find("stays"), Ids{"stays"});
  Lines told = watcher.next(2);
  for (std::string& line : told) line = line.substr(0, line.find(' '));
  std::ranges::sort(told);
  EXPECT_EQ(told, (Lines{"+comes/comes", "-goes/goes"}));
  EXPECT_TRUE(contains(process.err(), "compacted"));
}

// Its revisions begin anew, though it has the same members at the same addresses.
TEST_F(EtcdOutage, when_etcd_has_lost_its_data_everyone_has_to_register_and_watch_again) {
  serve(1);
  Process process = arbiter(first_);
  Wire wire(first_);
  Tree tree(wire);
  for (int i = 0; i < 20; ++i) tree.add(registration("a", std::to_string(i)));
  Watcher watcher(wire);
  ASSERT_TRUE(watcher.skip_snapshot());
  const std::string epoch = watcher.last.epoch();
  const std::uint64_t revision = watcher.last.revision();
  etcd_->kill(0);
  etcd_->lose_data(0);
  etcd_->start(0);
  EXPECT_TRUE(watcher.next().starts_with("start over"));
  EXPECT_NE(watcher.last.epoch(), epoch);
  EXPECT_FALSE(tree.receive());  // its stream ends, so that it comes again
  EXPECT_TRUE(wire.find("a").empty());
  EXPECT_TRUE(eventually([&] { return !is_stale(wire); }, 10s * kSlowness));
  Tree again(wire);
  EXPECT_EQ(again.add(registration("a", "1"))->added(), "1");
  EXPECT_EQ(wire.find("a"), Ids{"1"});
  Watcher old(wire, epoch, revision);
  EXPECT_TRUE(old.next().starts_with("start over"));
}

// --- three members ---

TEST_F(EtcdOutage, any_of_three_members_may_be_killed) {
  serve(3);
  Process process = arbiter(first_);
  survives_the_loss_of_any_member(
      first_, [&](int i) { etcd_->kill(i); },
      [&](int i) {
        etcd_->start(i);
        EXPECT_TRUE(eventually([&] { return etcd_->serves(i); }, 20s * kSlowness));
      });
}

TEST_F(EtcdOutage, any_of_three_members_may_be_stopped) {
  serve(3);
  Process process = arbiter(first_);
  survives_the_loss_of_any_member(
      first_, [&](int i) { etcd_->signal(i, SIGSTOP); },
      [&](int i) {
        etcd_->signal(i, SIGCONT);
        EXPECT_TRUE(eventually([&] { return etcd_->serves(i); }, 20s * kSlowness));
      });
}

TEST_F(EtcdOutage, without_a_majority_it_serves_what_it_has_as_stale) {
  serve(3);
  Process process = arbiter(first_);
  Wire wire(first_);
  Tree tree(wire);
  tree.add(registration("a", "1"));
  etcd_->kill(0);
  etcd_->kill(1);
  EXPECT_TRUE(eventually([&] { return is_stale(wire); }, 20s * kSlowness));
  EXPECT_EQ(wire.find("a"), Ids{"1"});
  EXPECT_EQ(status_of_hello(wire).error_code(), grpc::StatusCode::UNAVAILABLE);
  etcd_->start(0);
  EXPECT_TRUE(eventually([&] { return !is_stale(wire); }, 20s * kSlowness));
  EXPECT_EQ(wire.find("a"), Ids{"1"});
}

// --- two arbiters ---

TEST_F(EtcdOutage, A49_when_one_of_two_arbiters_is_killed_nobody_is_lost_and_no_find_fails_for_long) {
  serve(1);
  std::optional<Process> one(arbiter(first_));
  Process two = arbiter(second_);
  Wire there(second_);
  run({.name = "root", .arbiter = first_ + "," + second_}, [&] {
    open_nursery([&](ActorNursery& n) {
      Portal frank = n.start_actor("frank", kDaemon);
      EXPECT_TRUE(eventually([&] { return there.find("frank") == Ids{frank.id()}; }));
      Watcher watcher(there);
      ASSERT_TRUE(watcher.skip_snapshot());
      const auto start = std::chrono::steady_clock::now();
      one.reset();  // kills it
      EXPECT_EQ(find_actor("frank").value().run(id), frank.id());
      EXPECT_LT(std::chrono::steady_clock::now() - start, kOutage);
      Portal gretchen = n.start_actor("gretchen", kDaemon);
      EXPECT_EQ(wait_for_actor("gretchen").run(id), gretchen.id());
      tractor::sleep(12s);  // the leases of the killed one are over
      EXPECT_EQ(there.find("frank"), Ids{frank.id()});
      EXPECT_EQ(there.find("root").size(), 1U);
      std::string line;
      while (!line.starts_with("+gretchen")) {  // they may be told again, but nobody goes
        line = watcher.next();
        ASSERT_TRUE(line.starts_with("+")) << line;
      }
      n.cancel();
    });
  });
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define_etcd)
