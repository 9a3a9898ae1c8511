// Names that one program of the mesh has: who is refused, who is told that it has lost it, and what tokens do.
#include "over_etcd.h"

namespace tractor::test {
namespace {

// Prints its token whenever it has another.
TRACTOR_SCENARIO(leads) {
  return program->main({.name = "leader", .exclusive_name = true}, [] {
    for (std::uint64_t token = 0;; tractor::sleep(20ms)) {
      if (token != current_actor().fencing_token())
        std::cout << "token " << (token = current_actor().fencing_token()) << " " << std::endl;
    }
  });
}

// A program that wants to lead, and its tokens.
class Leader {
 public:
  explicit Leader(const std::string& arbiter) : process_(Process::as("leads", {}, {"TRACTOR_ARBITER=" + arbiter})) {}
  // The last it has printed; 0 when it has ended instead.
  std::uint64_t token() {
    if (!process_.prints("token ")) return 0;
    const std::string out = process_.out();
    return std::stoull(out.substr(out.rfind("token ") + 6));
  }
  void expect_refused() {
    EXPECT_EQ(process_.wait(), Exit{.code = 1});
    EXPECT_TRUE(contains(process_.err(), "tractor::NameTaken: the name \"leader\" is claimed by actor "));
  }
  void end() {
    process_.signal(SIGTERM);
    EXPECT_EQ(process_.wait(), Exit{.code = 143}) << process_.err();
  }
  Process& process() { return process_; }

 private:
  Process process_;
};

class ExclusiveName : public OverEtcd {
 protected:
  static Process memory_arbiter(const std::string& socket) { return start_arbiter({"--listen", socket}); }
};

TEST_F(ExclusiveName, one_has_it_until_it_ends_and_the_next_has_a_larger_token) {
  Process arbiter = memory_arbiter(first_);
  Leader one(first_);
  const std::uint64_t token = one.token();
  EXPECT_GT(token, 0U);
  Leader(first_).expect_refused();
  one.end();
  Leader two(first_);
  const std::uint64_t next = two.token();
  EXPECT_GT(next, token);
  killed_a_root();
  two.process().signal(SIGKILL);
  two.process().wait();
  Wire wire(first_);
  EXPECT_TRUE(eventually([&] { return wire.find("leader").empty(); }));
  Leader three(first_);
  EXPECT_GT(three.token(), next);
  three.end();
}

TEST_F(ExclusiveName, who_misses_that_another_got_it_is_told_and_ends) {
  Process arbiter = memory_arbiter(first_);
  Leader one(first_);
  const std::uint64_t token = one.token();
  one.process().signal(SIGSTOP);
  arbiter.signal(SIGKILL);
  arbiter.wait();
  Process again = memory_arbiter(first_);
  Leader two(first_);
  EXPECT_GT(two.token(), token);
  one.process().signal(SIGCONT);
  one.expect_refused();
  two.end();
}

TEST_F(ExclusiveName, an_arbiter_that_forgot_it_gives_it_again_with_a_larger_token) {
  Process arbiter = memory_arbiter(first_);
  Leader one(first_);
  const std::uint64_t token = one.token();
  arbiter.signal(SIGKILL);
  arbiter.wait();
  Process again = memory_arbiter(first_);
  EXPECT_TRUE(eventually([&] { return one.token() > token; }));
  Leader(first_).expect_refused();
  one.end();
}

TEST_F(ExclusiveName, the_roots_children_have_none) {
  run({.name = "leader", .exclusive_name = true}, [] {
    EXPECT_GT(current_actor().fencing_token(), 0U);
    EXPECT_TRUE(query_actor("leader")->exclusive);
    open_nursery([](ActorNursery& n) {
      EXPECT_EQ(n.start_actor("leader", kDaemon).run(token), 0U);
      n.cancel();
    });
  });
  run([] { EXPECT_EQ(current_actor().fencing_token(), 0U); });
}

TEST_F(ExclusiveName, over_etcd_it_is_one_for_all_arbiters_and_outlives_them) {
  serve(1);
  Process here = arbiter(first_);
  Process there = arbiter(second_);
  Leader one(first_ + "," + second_);
  const std::uint64_t token = one.token();
  EXPECT_GT(token, 0U);
  Leader(second_).expect_refused();
  here.signal(SIGKILL);
  here.wait();
  Leader(second_).expect_refused();
  Wire wire(second_);
  EXPECT_TRUE(eventually([&] { return one.process().err().find("lost the arbiter") != std::string::npos; }));
  EXPECT_TRUE(eventually([&] { return wire.find("leader").size() == 1; }));
  EXPECT_EQ(one.token(), token);
  // At once, or by the lease of the dead arbiter when it had no time to register with the other one.
  one.end();
  EXPECT_TRUE(eventually([&] { return wire.find("leader").empty(); }, 15s * kSlowness));
  Leader two(second_);
  EXPECT_GT(two.token(), token);
  two.end();
}

// Neither could a name be given to another while all of etcd is stopped: but an arbiter that is cut off from a majority
// cannot know.
TEST_F(ExclusiveName, over_etcd_who_cannot_renew_it_is_told_and_ends) {
  serve(1);
  Process here = arbiter(first_);
  Leader one(first_);
  EXPECT_GT(one.token(), 0U);
  std::this_thread::sleep_for(12s);  // it is renewed
  etcd_->signal(0, SIGSTOP);
  EXPECT_EQ(one.process().wait(), Exit{.code = 1});
  EXPECT_TRUE(contains(one.process().err(), "has not renewed the claim for 10s: another may have the name by now"));
  etcd_->signal(0, SIGCONT);
}

TEST_F(ExclusiveName, over_etcd_it_is_free_when_its_holder_has_ended) {
  serve(1);
  Process here = arbiter(first_);
  std::uint64_t last = 0;
  for (int i = 0; i < 5; ++i) {
    Leader next(first_);
    const std::uint64_t token = next.token();
    EXPECT_GT(token, last) << next.process().err();
    next.end();
    last = token;
  }
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define_etcd)
