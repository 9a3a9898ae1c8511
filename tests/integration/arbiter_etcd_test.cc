// Arbiters over a real etcd: one view, whichever of them is asked, and whoever dies.
#include <thread>

#include "arbiter_wire.h"
#include "etcd.h"

namespace tractor::test {
namespace {

using Ids = std::vector<std::string>;
using Lines = std::vector<std::string>;

std::string id() { return current_actor().id(); }
void define(Program& p) { p.module("etcd").def("id", id); }
const ActorOptions kDaemon{.modules = {"etcd"}};

// No find may fail for longer.
constexpr auto kOutage = 3s * kSlowness;

class OverEtcd : public RealProcesses {
 protected:
  OverEtcd() { keeps_descriptors(); }  // gRPC's blocking calls poll with some of their own
  void TearDown() override {
    etcd_.reset();
    RealProcesses::TearDown();
  }
  void serve(int members) { etcd_.emplace(members); }
  Process arbiter(const std::string& socket, const std::string& store = "") {
    return start_arbiter(
        {"--listen", socket, "--store", store.empty() ? etcd_->url() : store, "--store-timeout", "20"});
  }

  ScratchDirectory scratch_;
  const std::string first_ = "unix:" + scratch_ / "1.sock";
  const std::string second_ = "unix:" + scratch_ / "2.sock";
  std::optional<Etcd> etcd_;
};

// Asks for "a" all the time, and knows for how long there was no answer with it at most.
class Asker {
 public:
  explicit Asker(const std::string& address) : thread_([this, address] { run(address); }) {}
  ~Asker() { stop(); }
  std::chrono::nanoseconds stop() {
    ending_ = true;
    if (thread_.joinable()) thread_.join();
    return longest_;
  }

 private:
  void run(const std::string& address) {
    Wire wire(address);
    auto last = std::chrono::steady_clock::now();
    while (!ending_) {
      grpc::ClientContext context;
      context.set_deadline(soon());
      v1::FindRequest request;
      request.set_name("a");
      v1::FindResponse response;
      const bool found = wire.stub().Find(&context, request, &response).ok() && response.actors_size() == 1;
      const auto now = std::chrono::steady_clock::now();
      longest_ = std::max<std::chrono::nanoseconds>(longest_, now - last);
      if (found) last = now;
      std::this_thread::sleep_for(10ms);
    }
  }
  std::atomic<bool> ending_ = false;
  std::chrono::nanoseconds longest_{};
  std::thread thread_;
};

// Whether it says that its answer is out of date.
bool is_stale(Wire& wire) {
  grpc::ClientContext context;
  context.set_deadline(soon());
  v1::FindResponse response;
  EXPECT_TRUE(wire.stub().Find(&context, {}, &response).ok());
  return response.stale();
}

// How an arbiter answers a tree that wants to register now.
grpc::Status status_of_hello(Wire& wire) {
  grpc::ClientContext context;
  context.set_deadline(soon());
  const auto stream = wire.stub().Register(&context);
  v1::RegisterRequest hello;
  hello.mutable_hello()->set_version(1);
  stream->Write(hello);
  v1::RegisterResponse response;
  if (stream->Read(&response)) {
    context.TryCancel();
    stream->Finish();
    return grpc::Status::OK;
  }
  return stream->Finish();
}

// --- one member ---

TEST_F(OverEtcd, two_arbiters_serve_one_view) {
  serve(1);
  Process one = arbiter(first_);
  Process two = arbiter(second_);
  Wire here(first_);
  Wire there(second_);
  Watcher watcher(there);
  ASSERT_TRUE(watcher.next().starts_with("end @"));
  Tree tree(here, "");
  EXPECT_EQ(tree.add(registration("a", "1"))->added(), "1");
  EXPECT_EQ(here.find("a"), Ids{"1"});
  EXPECT_TRUE(watcher.next().starts_with("+a/1 @"));
  EXPECT_EQ(there.find("a"), Ids{"1"});
  EXPECT_TRUE(contains(etcd_->ask("get --prefix --keys-only /tractor/v1/"), "/tractor/v1/actors//1"));
  tree.remove("1");
  EXPECT_TRUE(here.find("a").empty());
  EXPECT_TRUE(watcher.next().starts_with("-a/1 @"));
  tree.add(registration("a", "2"));
  EXPECT_TRUE(watcher.next().starts_with("+a/2 @"));
  tree.lose();
  EXPECT_TRUE(watcher.next().starts_with("-a/2 @"));
  EXPECT_TRUE(there.find("a").empty());
}

TEST_F(OverEtcd, namespaces_are_apart_whatever_they_are_called) {
  serve(1);
  Process one = arbiter(first_);
  Wire wire(first_);
  std::vector<std::unique_ptr<Tree>> trees;
  const Lines names = {"", "a/b", "a%2Fb", "%", "/"};
  for (const std::string& name : names) {
    trees.push_back(std::make_unique<Tree>(wire, name));
    trees.back()->add(registration("a", "in " + name));
  }
  Process two = arbiter(second_);  // reads them all at its start
  Wire other(second_);
  for (const std::string& name : names) EXPECT_EQ(other.find("a", name), Ids{"in " + name});
}

TEST_F(OverEtcd, an_older_incarnation_is_refused_by_every_arbiter) {
  serve(1);
  Process one = arbiter(first_);
  Process two = arbiter(second_);
  Wire here(first_);
  Wire there(second_);
  Tree newer(here);
  Tree older(there);
  EXPECT_EQ(newer.add(registration("a", "1", 7))->added(), "1");
  const auto reply = older.add(registration("a", "1", 6));
  EXPECT_TRUE(contains(reply->refused().reason(), "incarnation 7"));
  EXPECT_EQ(older.add(registration("a", "1", 8))->added(), "1");
  newer.lose();  // it is not its any more
  EXPECT_EQ(older.remove("nobody")->removed(), "nobody");
  EXPECT_EQ(there.find("a"), Ids{"1"});
  older.remove("1");
  EXPECT_TRUE(there.find("a").empty());
}

TEST_F(OverEtcd, a_watch_goes_on_at_another_arbiter) {
  serve(1);
  std::optional<Process> one(arbiter(first_));
  Process two = arbiter(second_);
  Wire here(first_);
  Wire there(second_);
  Tree tree(there);
  tree.add(registration("a", "1"));
  std::string epoch;
  std::uint64_t revision = 0;
  {
    Watcher watcher(there);
    ASSERT_TRUE(watcher.next().starts_with("+a/1"));
    ASSERT_TRUE(watcher.next().starts_with("end"));
    epoch = watcher.last.epoch();
    revision = watcher.last.revision();
  }
  tree.add(registration("a", "2"));
  tree.remove("1");
  EXPECT_TRUE(eventually([&] { return here.find("a") == Ids{"2"}; }));
  Watcher again(here, epoch, revision);
  EXPECT_TRUE(again.next().starts_with("+a/2"));
  EXPECT_TRUE(again.next().starts_with("-a/1"));
  Watcher future(here, epoch, revision + 1000);
  EXPECT_TRUE(future.next().starts_with("start over"));
}

TEST_F(OverEtcd, unreachable_at_the_start_it_tries_says_so_and_exits_3) {
  const std::string nobody = "etcd://127.0.0.1:" + std::to_string(free_port());
  Process process(
      {built_binary("arbiter/tractor-arbiter"), "--listen", first_, "--store", nobody, "--store-timeout", "1"});
  EXPECT_EQ(process.wait(), Exit{.code = 3});
  EXPECT_EQ(process.out(), "");
  for (const std::string& part : {nobody.substr(7), std::string("trying for 1s"), std::string("given up after 1s")})
    EXPECT_TRUE(contains(process.err(), part));
}

TEST_F(OverEtcd, a_signal_ends_an_arbiter_that_waits_for_etcd) {
  const std::string nobody = "etcd://127.0.0.1:" + std::to_string(free_port());
  Process process({built_binary("arbiter/tractor-arbiter"), "--listen", first_, "--store", nobody});
  EXPECT_TRUE(eventually([&] { return contains(process.err(), "trying for 30s"); }));
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait(5s * kSlowness), Exit{.code = 0}) << process.err();
}

TEST_F(OverEtcd, bad_stores_are_usage_errors) {
  for (const auto& [store, part] : std::vector<std::pair<std::string, std::string>>{
           {"redis://x", "no store \"redis://x\""}, {"etcd://", "it is empty"}, {"etcd://a:1,b", "no port"}}) {
    Process process({built_binary("arbiter/tractor-arbiter"), "--listen", first_, "--store", store});
    EXPECT_EQ(process.wait(), Exit{.code = 2});
    EXPECT_TRUE(contains(process.err(), part));
  }
  Process process({built_binary("arbiter/tractor-arbiter"), "--listen", first_, "--ttl", "0"});
  EXPECT_EQ(process.wait(), Exit{.code = 2});
  EXPECT_TRUE(contains(process.err(), "1 s to 24 h"));
}

TEST_F(OverEtcd, gone_later_it_serves_what_it_has_as_stale_and_registers_nobody_until_it_is_back) {
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

TEST_F(OverEtcd, after_an_outage_it_catches_up_though_etcd_has_compacted_what_happened) {
  serve(1);
  Process process = arbiter(first_);
  Process other = arbiter(second_);
  Wire wire(first_);
  Wire there(second_);
  Tree tree(there);
  for (const char* actor : {"stays", "goes"}) tree.add(registration(actor, actor));
  Watcher watcher(wire);
  while (!watcher.next().starts_with("end")) {
  }
  process.signal(SIGSTOP);
  etcd_->kill(0);
  etcd_->start(0);
  EXPECT_TRUE(eventually([&] { return !is_stale(there) && etcd_->serves(0); }, 20s * kSlowness));
  EXPECT_EQ(tree.remove("goes")->removed(), "goes");
  EXPECT_EQ(tree.add(registration("comes", "comes"))->added(), "comes");
  const std::string revision = std::to_string([&] {
    Watcher now(there);
    while (!now.next().starts_with("end")) {
    }
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
TEST_F(OverEtcd, when_etcd_has_lost_its_data_everyone_has_to_register_and_watch_again) {
  serve(1);
  Process process = arbiter(first_);
  Wire wire(first_);
  Tree tree(wire);
  for (int i = 0; i < 20; ++i) tree.add(registration("a", std::to_string(i)));
  Watcher watcher(wire);
  while (!watcher.next().starts_with("end")) {
  }
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

void survives_the_loss_of_any_member(Etcd& etcd, const std::string& socket, const std::function<void(int)>& lose,
                                     const std::function<void(int)>& recover) {
  Wire wire(socket);
  Tree tree(wire);
  tree.add(registration("a", "1"));
  Watcher watcher(wire);
  ASSERT_TRUE(watcher.next().starts_with("+a/1"));
  ASSERT_TRUE(watcher.next().starts_with("end"));
  Asker asker(socket);
  for (int i = 0; i < 3; ++i) {
    lose(i);
    const std::string id = "new " + std::to_string(i);
    EXPECT_TRUE(eventually([&] { return tree.add(registration("b", id))->added() == id; }, 15s * kSlowness));
    std::string line;
    while (!line.starts_with("+b/" + id)) {  // someone may be told of again, but nobody goes
      line = watcher.next();
      ASSERT_TRUE(line.starts_with("+")) << line;
    }
    recover(i);
    EXPECT_TRUE(eventually([&] { return etcd.serves(i); }, 20s * kSlowness));
  }
  EXPECT_LT(asker.stop(), kOutage);
  EXPECT_EQ(wire.find("b").size(), 3U);
}

TEST_F(OverEtcd, any_of_three_members_may_be_killed) {
  serve(3);
  Process process = arbiter(first_);
  survives_the_loss_of_any_member(
      *etcd_, first_, [&](int i) { etcd_->kill(i); }, [&](int i) { etcd_->start(i); });
}

TEST_F(OverEtcd, any_of_three_members_may_be_stopped) {
  serve(3);
  Process process = arbiter(first_);
  survives_the_loss_of_any_member(
      *etcd_, first_, [&](int i) { etcd_->signal(i, SIGSTOP); }, [&](int i) { etcd_->signal(i, SIGCONT); });
}

TEST_F(OverEtcd, without_a_majority_it_serves_what_it_has_as_stale) {
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

// --- programs ---

TEST_F(OverEtcd, A45_A48_names_are_found_and_the_killed_are_unlisted_within_a_second) {
  serve(1);
  Process process = arbiter(first_);
  run({.arbiter = first_}, [] {
    EXPECT_FALSE(find_actor("nobody"));
    try {
      open_nursery([](ActorNursery& n) {
        Portal older = n.start_actor("frank", kDaemon);
        Portal newer = n.start_actor("frank", kDaemon);
        EXPECT_EQ(wait_for_actor("frank").run(id), newer.id());
        EXPECT_EQ(find_actors("frank").size(), 2U);
        kill(static_cast<pid_t>(query_actor("frank")->pid), SIGKILL);
        sleep_forever();
      });
    } catch (const RemoteActorError&) {
    }
    EXPECT_TRUE(eventually([] { return find_actors("frank").empty(); }, 1s * kSlowness));
  });
}

TEST_F(OverEtcd, A49_when_one_of_two_arbiters_is_killed_nobody_is_lost_and_no_find_fails_for_long) {
  serve(1);
  std::optional<Process> one(arbiter(first_));
  Process two = arbiter(second_);
  Wire there(second_);
  run({.name = "root", .arbiter = first_ + "," + second_}, [&] {
    open_nursery([&](ActorNursery& n) {
      Portal frank = n.start_actor("frank", kDaemon);
      EXPECT_TRUE(eventually([&] { return there.find("frank") == Ids{frank.id()}; }));
      Watcher watcher(there);
      while (!watcher.next().starts_with("end")) {
      }
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

TRACTOR_TEST_MAIN(tractor::test::define)
