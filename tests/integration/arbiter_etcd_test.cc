// Arbiters over a real etcd: one view, whichever of them is asked. Outages: arbiter_etcd_outage_test.cc.
#include "../chaos/tcp_gate.h"
#include "over_etcd.h"

namespace tractor::test {
namespace {

// Where a watch stands that has just begun.
std::pair<std::string, std::uint64_t> position(Wire& wire) {
  Watcher watcher(wire);
  EXPECT_TRUE(watcher.skip_snapshot());
  return {watcher.last.epoch(), watcher.last.revision()};
}

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
  const auto [epoch, revision] = position(there);
  tree.add(registration("a", "2"));
  tree.remove("1");
  EXPECT_TRUE(eventually([&] { return here.find("a") == Ids{"2"}; }));
  Watcher again(here, epoch, revision);
  EXPECT_TRUE(again.next().starts_with("+a/2"));
  EXPECT_TRUE(again.next().starts_with("-a/1"));
  Watcher future(here, epoch, revision + 1000);
  EXPECT_TRUE(future.next().starts_with("start over"));
}

TEST_F(OverEtcd, a_backup_of_etcd_is_another_history) {
  serve(1);
  Process one = arbiter(first_);
  Wire here(first_);
  Tree tree(here);
  tree.add(registration("a", "1"));
  etcd_->save();
  tree.add(registration("a", "2"));
  const auto [epoch, revision] = position(here);
  etcd_->restore();
  EXPECT_TRUE(eventually([&] { return position(here).first != epoch; }, 20s * kSlowness));
  EXPECT_TRUE(Watcher(here, epoch, revision).next().starts_with("start over"));
}

TEST_F(OverEtcd, after_a_backup_those_who_live_are_listed_again_and_nobody_else) {
  serve(1);
  Process one = arbiter(first_);
  run({.arbiter = first_}, [&] {
    open_nursery([&](ActorNursery& n) {
      Portal frank = n.start_actor("frank", kDaemon);
      etcd_->save();
      const std::string later = n.start_actor("later", kDaemon).id();
      frank.cancel_actor();
      etcd_->restore();
      const auto listed = [](const std::string& name) {
        const std::optional<ActorInfo> found = query_actor(name);
        return found && !found->stale ? found->id : "";
      };
      EXPECT_TRUE(eventually([&] { return listed("later") == later; }, 30s * kSlowness)) << one.err();
      EXPECT_TRUE(eventually([&] { return listed("frank").empty(); }, 1s * kSlowness));
      n.cancel();
    });
  });
}

// Its clients do not stay with it, since others can do better.
TEST_F(OverEtcd, who_is_at_an_arbiter_that_has_lost_etcd_goes_to_the_other) {
  serve(1);
  const std::string url = etcd_->url();
  TcpGate gate(std::stoi(url.substr(url.rfind(':') + 1)));
  Process cut_off = arbiter(first_, "etcd://127.0.0.1:" + std::to_string(gate.port()));
  Process other = arbiter(second_);
  run({.arbiter = first_ + "," + second_}, [&] {
    open_nursery([&](ActorNursery& n) {
      const std::string frank = n.start_actor("frank", kDaemon).id();
      gate.set_silent(true);
      Wire here(second_);
      // A lease that nobody renews is over after 10 s.
      for (const auto end = Clock::now() + 13s; Clock::now() < end; tractor::sleep(100ms))
        ASSERT_EQ(here.find("frank"), Ids{frank});
      EXPECT_FALSE(query_actor("frank").value().stale);
      const std::string gretchen = n.start_actor("gretchen", kDaemon).id();
      EXPECT_EQ(here.find("gretchen"), Ids{gretchen});
      n.cancel();
    });
  });
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

TEST_F(OverEtcd, A49_killed_and_back_the_actors_went_on_and_are_listed_again) {
  serve(1);
  std::optional<Process> process(arbiter(first_));
  run({.arbiter = first_}, [&] {
    open_nursery([&](ActorNursery& n) {
      Portal frank = n.start_actor("frank", kDaemon);
      process.reset();
      EXPECT_EQ(frank.run(id), frank.id());
      process.emplace(arbiter(first_));
      EXPECT_TRUE(eventually(
          [] {
            try {
              return list_actors().size() == 2;
            } catch (const RemoteActorError&) {
              return false;
            }
          },
          5s * kSlowness));
      n.cancel();
    });
  });
}

TRACTOR_SCENARIO(joins) {
  return program->main({.name = "joined", .arbiter = arguments.at(0), .modules = {"etcd"}}, [] {
    std::cout << "joined" << std::endl;
    sleep_forever();
  });
}

TEST_F(OverEtcd, A50_who_joins_one_arbiter_is_waited_for_found_and_called_through_the_other_and_leaves) {
  serve(1);
  Process one = arbiter(first_);
  Process two = arbiter(second_);
  run({.arbiter = second_}, [&] {
    EXPECT_FALSE(find_actor("joined"));
    std::string found;
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] { found = wait_for_actor("joined").run(id); });
      Process joined = Process::as("joins", {first_});
      EXPECT_TRUE(joined.prints("joined")) << joined.err();
      EXPECT_TRUE(eventually([&] { return !found.empty(); }));
      EXPECT_EQ(find_actor("joined").value().id(), found);
      joined.signal(SIGTERM);
      EXPECT_EQ(joined.wait(), Exit{.code = 143});
    });
    EXPECT_TRUE(eventually([] { return !find_actor("joined"); }, 1s * kSlowness));
  });
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define_etcd)
