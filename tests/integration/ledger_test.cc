// What the arbiter tells of actors' lives, in the order in which it came about.
#include "arbiter_wire.h"
#include "runtime/wire/hybrid_clock.h"
#include "work.h"

namespace tractor::test {
namespace {

using Kind = LedgerEvent::Kind;

void call_and_fail(const std::string& other) { wait_for_actor(other).run(fail_with, "as asked"); }
void start_leaf() {
  open_nursery([](ActorNursery& n) {
    n.start_actor("leaf", {.modules = {"work"}});
    sleep_forever();
  });
}
// From now on this process' host has a clock that is wrong by so much.
void skew(std::chrono::seconds by) {
  hybrid_clock().set_wall_clock([by] {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch() +
                                                                 by);
  });
}
void define(Program& p) {
  p.module("work").def("own_pid", own_pid).def("ping", ping).def("fail_with", fail_with).def("until", until_cancelled);
  p.module("ledger").def("call_and_fail", call_and_fail).def("start_leaf", start_leaf).def("skew", skew);
}
const ActorOptions kDaemon{.modules = {"work", "ledger"}};

// "spawned serving ended", of that actor, so far.
std::string life_of(const std::string& actor) {
  std::string life;
  for (const LedgerEvent& event : ledger({.actor = actor})) life += (life.empty() ? "" : " ") + to_string(event.kind);
  return life;
}
// What is recorded elsewhere comes when it comes.
testing::AssertionResult lives(const std::string& actor, const std::string& life) {
  if (eventually([&] { return life_of(actor) == life; })) return testing::AssertionSuccess();
  return testing::AssertionFailure() << actor << ": " << life_of(actor) << ", not " << life;
}
LedgerEvent only(const LedgerQuery& query) {
  std::vector<LedgerEvent> events;
  EXPECT_TRUE(eventually([&] { return !(events = ledger(query)).empty(); }));
  EXPECT_EQ(events.size(), 1U);
  return events.empty() ? LedgerEvent{} : events.front();
}

using LedgerOf = RealProcesses;

TEST_F(LedgerOf, a_daemon_is_spawned_serves_is_cancelled_and_ends) {
  run({.name = "root"}, [] {
    open_nursery([](ActorNursery& n) {
      Portal frank = n.start_actor("frank", kDaemon);
      const int pid = frank.run(own_pid);
      EXPECT_TRUE(lives("frank", "spawned serving"));
      const LedgerEvent spawned = only({.actor = frank.id(), .kinds = {Kind::spawned}});
      EXPECT_EQ(spawned.by.name, "root");
      EXPECT_EQ(spawned.pid, pid);
      EXPECT_EQ(spawned.tree_id, current_actor().id());
      EXPECT_FALSE(spawned.host.empty());
      EXPECT_LT(std::chrono::abs(std::chrono::system_clock::now() - spawned.time()), 1min);
      frank.cancel_actor();
      EXPECT_TRUE(lives("frank", "spawned serving cancelled ended"));
      EXPECT_EQ(only({.actor = "frank", .kinds = {Kind::cancelled}}).by.name, "root");
      EXPECT_TRUE(contains(only({.actor = "frank", .kinds = {Kind::ended}}).message, "exited with status 0"));
    });
    EXPECT_EQ(life_of("root"), "serving");
    EXPECT_EQ(life_of("nobody"), "");
  });
}

TEST_F(LedgerOf, a_killed_child_has_failed_and_ended_and_a_supervisor_starts_another) {
  run([] {
    Supervisor supervisor;
    supervisor.add("frank", {.modules = {"work"}});
    open_nursery(supervisor, [&] {
      const Portal first = supervisor.portal("frank");
      kill(supervisor.portal("frank").run(own_pid), SIGKILL);
      EXPECT_TRUE(lives(first.id(), "spawned serving failed ended"));
      const LedgerEvent failed = only({.kinds = {Kind::failed}});
      EXPECT_EQ(failed.error_type, "tractor::ActorDied");
      EXPECT_TRUE(contains(failed.message, "signal 9"));
      const LedgerEvent restarted = only({.kinds = {Kind::restarted}});
      EXPECT_EQ(restarted.actor.name, "frank");
      EXPECT_NE(restarted.actor.id, first.id());
      EXPECT_GT(restarted.clock, failed.clock);
    });
  });
}

TEST_F(LedgerOf, a_failed_call_names_function_caller_and_error_and_those_that_follow_are_counted) {
  run({.name = "root"}, [] {
    open_nursery([](ActorNursery& n) {
      Portal frank = n.start_actor("frank", kDaemon);
      constexpr int kCalls = 50;
      for (int i = 0; i < kCalls; ++i) remote_error([&] { frank.run(fail_with, "the film is torn"); });
      const LedgerEvent first = only({.kinds = {Kind::call_failed}});
      EXPECT_EQ(first.function, "work.fail_with");
      EXPECT_EQ(first.actor.id, frank.id());
      EXPECT_EQ(first.by.name, "root");
      EXPECT_EQ(first.error_type, "std::runtime_error");
      EXPECT_EQ(first.message, "the film is torn");
      std::uint32_t told = 0;
      EXPECT_TRUE(eventually([&] {  // each tells of those before it, once a second
        told = 0;
        for (const LedgerEvent& event : ledger({.kinds = {Kind::call_failed}})) told += event.count;
        if (told > kCalls) return true;
        remote_error([&] { frank.run(fail_with, "the film is torn"); });
        return false;
      }));
      n.cancel();
    });
  });
}

TEST_F(LedgerOf, who_was_below_a_killed_actor_has_ended_too) {
  run([] {
    Supervisor supervisor;
    supervisor.add("middle", {.restart = Restart::temporary, .modules = {"work"}}, start_leaf);
    open_nursery(supervisor, [&] {
      wait_for_actor("leaf");
      kill(*supervisor.which_children().front().pid, SIGKILL);
      EXPECT_TRUE(eventually([] { return life_of("leaf").ends_with("ended"); }));
      EXPECT_TRUE(contains(only({.actor = "leaf", .kinds = {Kind::ended}}).message, "middle@"));
    });
  });
}

// Donny's clock is an hour ahead, gretchen's an hour behind. Whoever calls has what the other did before.
TEST_F(LedgerOf, cause_comes_before_effect_however_wrong_the_clocks_are) {
  run([] {
    open_nursery([](ActorNursery& n) {
      Portal donny = n.start_actor("donny", kDaemon);
      Portal gretchen = n.start_actor("gretchen", kDaemon);
      donny.run(skew, 1h);
      gretchen.run(skew, -1h);
      // Each fails because the one after it did: gretchen, donny who called her, and gretchen who called donny.
      remote_error([&] { gretchen.run(fail_with, "first"); });
      remote_error([&] { donny.run(call_and_fail, "gretchen"); });
      tractor::sleep(1s);  // a function is told of once in it
      remote_error([&] { gretchen.run(call_and_fail, "donny"); });
      gretchen.cancel_actor();
      donny.cancel_actor();
      EXPECT_TRUE(lives("gretchen", "spawned serving call_failed call_failed cancelled ended"));
      std::vector<std::string> order;
      for (const LedgerEvent& event : ledger())
        if (event.kind >= Kind::cancelled && event.actor.name != "root")
          order.push_back(event.actor.name + " " + to_string(event.kind) + " " + event.function);
      EXPECT_EQ(order, (std::vector<std::string>{
                           "gretchen call_failed work.fail_with", "donny call_failed ledger.call_and_fail",
                           "donny call_failed work.fail_with", "gretchen call_failed ledger.call_and_fail",
                           "gretchen cancelled ", "gretchen ended ", "donny cancelled ", "donny ended "}));
    });
  });
}

TEST_F(LedgerOf, bad_questions_are_refused) {
  run([] {
    EXPECT_TRUE(contains(usage_error([] { return ledger({.limit = 0}); }), "LedgerQuery.limit"));
    EXPECT_TRUE(contains(usage_error([] { return ledger({.limit = 10'001}); }), "10001"));
    EXPECT_TRUE(contains(usage_error([] { return ledger({.actor = "\xff"}); }), "UTF-8"));
  });
}

// --- tractor-arbiter ---

TRACTOR_SCENARIO(forever) {
  return program->main(RunOptions{.name = "forever"}, [] {
    std::cout << "running" << std::endl;
    sleep_forever();
  });
}

class LedgerInFiles : public RealProcesses {
 protected:
  LedgerInFiles() { setenv("TRACTOR_ARBITER", address_.c_str(), 1); }
  ~LedgerInFiles() override { unsetenv("TRACTOR_ARBITER"); }
  Process arbiter() { return start_arbiter({"--listen", address_, "--ledger", scratch_ / "ledger"}); }

  ScratchDirectory scratch_;
  const std::string address_ = "unix:" + scratch_ / "arbiter.sock";
};

TEST_F(LedgerInFiles, nothing_is_lost_or_told_twice_when_the_arbiter_is_killed) {
  std::optional<Process> process(arbiter());
  run({.name = "root"}, [&] {
    for (int round = 1; round <= 4; ++round) {
      open_nursery([&](ActorNursery& n) {
        n.start_actor("frank", kDaemon);
        if (round < 4) {  // wherever it is with what it was told just now
          process->signal(SIGKILL);
          process->wait();
          process.emplace(arbiter());
        }
        n.cancel();
      });
    }
    EXPECT_TRUE(eventually([] { return ledger({.actor = "frank", .kinds = {Kind::ended}}).size() == 4; }));
    for (const Kind kind : {Kind::spawned, Kind::serving, Kind::cancelled})
      EXPECT_EQ(ledger({.actor = "frank", .kinds = {kind}}).size(), 4U) << to_string(kind);
  });
  process->signal(SIGTERM);
  EXPECT_EQ(process->wait(), Exit{});
  process.emplace(arbiter());  // still there
  run({.name = "reader"}, [] { EXPECT_TRUE(lives("root", "serving ended")); });
}

TEST_F(LedgerInFiles, a_program_that_is_killed_is_lost) {
  const Process process = arbiter();
  Process killed = Process::as("forever");
  ASSERT_TRUE(killed.prints("running")) << killed.err();
  run([&] {
    wait_for_actor("forever");
    killed.signal(SIGKILL);
    EXPECT_TRUE(lives("forever", "serving lost"));
    EXPECT_EQ(only({.kinds = {Kind::lost}}).recorder.name, "arbiter");
  });
  run([] {});  // sweeps what it left
}

TEST_F(LedgerInFiles, a_program_that_a_signal_ends_was_cancelled_by_it) {
  const Process process = arbiter();
  Process ended = Process::as("forever");
  ASSERT_TRUE(ended.prints("running")) << ended.err();
  ended.signal(SIGTERM);
  EXPECT_EQ(ended.wait(), Exit{.code = 128 + SIGTERM});
  run([&] {
    EXPECT_TRUE(lives("forever", "serving cancelled ended"));
    EXPECT_EQ(only({.actor = "forever", .kinds = {Kind::cancelled}}).message, "signal 15");
  });
}

TEST_F(LedgerInFiles, the_program_prints_it_for_people_and_as_json) {
  const Process process = arbiter();
  run({.name = "root"}, [] {
    open_nursery([](ActorNursery& n) {
      n.start_actor("frank", kDaemon);
      n.cancel();
    });
  });
  const auto ask = [this](std::vector<std::string> arguments) {
    std::vector<std::string> command = {built_binary("arbiter/tractor-arbiter"), "--events", address_};
    command.insert(command.end(), arguments.begin(), arguments.end());
    Process asking(command);
    const std::optional<Exit> exit = asking.wait();
    EXPECT_TRUE(exit.has_value());
    return std::tuple(exit.value_or(Exit{}).code, asking.out(), asking.err());
  };
  const auto [status, text, notes] = ask({"--actor", "frank", "--since", "3600"});
  EXPECT_EQ(status, 0) << notes;
  EXPECT_EQ(std::ranges::count(text, '\n'), 4) << text;
  EXPECT_TRUE(contains(text, " spawned by root@"));
  EXPECT_TRUE(contains(text, " ended: exited with status 0\n"));
  Process full(
      {"/bin/sh", "-c", "exec \"$0\" --events \"$1\" >/dev/full", built_binary("arbiter/tractor-arbiter"), address_});
  EXPECT_EQ(full.wait(), Exit{.code = 1});
  EXPECT_TRUE(contains(full.err(), "cannot write"));
  const auto [of_json, json, no_notes] = ask({"--json", "--kind", "cancelled", "--kind", "ended"});
  EXPECT_EQ(of_json, 0);
  EXPECT_TRUE(contains(json, "\"kind\":\"LEDGER_EVENT_KIND_CANCELLED\""));
  EXPECT_TRUE(contains(json, "\"actor_id\""));
  EXPECT_EQ(std::get<1>(ask({"--until", "3600"})), "");
  const auto [of_two, two, more] = ask({"--limit", "2"});
  EXPECT_EQ(std::ranges::count(two, '\n'), 2);
  EXPECT_TRUE(contains(more, "the newest 2 events"));

  EXPECT_TRUE(contains(std::get<2>(ask({"--kind", "lunch"})), "no kind of event \"lunch\": spawned, serving"));
  EXPECT_EQ(std::get<0>(ask({"--kind", "lunch"})), 2);
  EXPECT_EQ(std::get<0>(ask({"--limit", "0"})), 2);
  Process nobody({built_binary("arbiter/tractor-arbiter"), "--events", "unix:" + scratch_ / "nobody.sock"});
  EXPECT_EQ(nobody.wait(), Exit{.code = 1});
  EXPECT_TRUE(contains(nobody.err(), "nobody.sock does not tell"));
  Process alone({built_binary("arbiter/tractor-arbiter"), "--actor", "frank"});
  EXPECT_EQ(alone.wait(), Exit{.code = 2});
}

TEST_F(LedgerInFiles, two_arbiters_do_not_share_a_directory) {
  const Process process = arbiter();
  Process second({built_binary("arbiter/tractor-arbiter"), "--listen", "unix:" + scratch_ / "2.sock", "--ledger",
                  scratch_ / "ledger"});
  EXPECT_EQ(second.wait(), Exit{.code = 2});
  EXPECT_TRUE(contains(second.err(), "another arbiter keeps its ledger in"));
}

// --- any client ---

TEST_F(LedgerInFiles, a_plain_client_asks_and_is_told_what_is_wrong_with_a_question) {
  const Process process = arbiter();
  Wire wire(address_);
  {
    Tree tree(wire, "theirs");
    v1::RegisterRequest request;
    request.mutable_events()->set_number(7);
    v1::LedgerEvent& event = *request.mutable_events()->add_events();
    event.set_clock(HybridClock::at(5s));
    event.set_kind(v1::LEDGER_EVENT_KIND_SERVING);
    event.mutable_actor()->set_name("frank");
    event.set_tree_id("not this one");
    event.set_message(std::string(100'000, 'x'));
    const auto reply = tree.ask(request);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->recorded(), 7U);
  }
  const auto ask = [&](v1::LedgerRequest request) {
    grpc::ClientContext context;
    context.set_deadline(soon());
    v1::LedgerResponse response;
    const grpc::Status status = wire.stub().Ledger(&context, request, &response);
    return std::pair(status, response);
  };
  v1::LedgerRequest request;
  EXPECT_EQ(ask(request).second.events_size(), 0);
  request.set_namespace_("theirs");
  request.mutable_until()->set_seconds(6);
  ASSERT_EQ(ask(request).second.events_size(), 1);
  EXPECT_EQ(ask(request).second.events(0).actor().name(), "frank");
  EXPECT_EQ(ask(request).second.events(0).message().size(), 1000U);  // cut
  EXPECT_EQ(ask(request).second.events(0).tree_id(), "");            // the hello's
  request.mutable_since()->set_seconds(6);
  EXPECT_EQ(ask(request).second.events_size(), 0);
  request.set_limit(10'001);
  EXPECT_EQ(ask(request).first.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(contains(ask(request).first.error_message(), "limit: at most 10000"));
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
