// Actors and programs that find each other by name.
#include "harness.h"
#include "listener.h"
#include "runtime/process/runtime_directory.h"

namespace tractor::test {
namespace {

std::string hi() { return "Hi my name is " + current_actor().name(); }

Event greeted;
std::string greet(const std::string& from) {
  greeted.set();
  return "hello " + from;
}

void define(Program& p) { p.module("names").def("hi", hi).def("greet", greet, "from"); }

using Names = RealProcesses;
const ActorOptions kDaemon{.modules = {"names"}};

std::vector<std::string> ids(const std::vector<Portal>& portals) {
  std::vector<std::string> out;
  for (const Portal& portal : portals) out.push_back(portal.id());
  return out;
}

TEST_F(Names, A45_a_name_that_nobody_has_is_found_by_nobody) {
  run([] {
    EXPECT_FALSE(find_actor("nobody"));
    EXPECT_FALSE(query_actor("nobody"));
    EXPECT_FALSE(find_actor(""));
    EXPECT_TRUE(find_actors("nobody").empty());
    EXPECT_EQ(list_actors().size(), 1);  // the root
  });
}

TEST_F(Names, A45_wait_for_actor_parks_until_it_appears) {
  run([] {
    open_nursery([](ActorNursery& n) {
      bool found = false;
      open_task_nursery([&](TaskNursery& t) {
        t.start_soon([&] {
          EXPECT_EQ(wait_for_actor("frank").run(hi), "Hi my name is frank");
          found = true;
        });
        for (int i = 0; i < 20; ++i) EXPECT_FALSE(find_actor("frank"));
        EXPECT_FALSE(found);
        n.start_actor("frank", kDaemon);
      });
      EXPECT_TRUE(found);
      n.cancel();
    });
  });
}

TEST_F(Names, A45_waiting_for_an_actor_that_never_comes_can_be_bounded) {
  run([] {
    EXPECT_TRUE(move_on_after(20ms, [] { wait_for_actor("nobody"); }).cancelled_caught());
    EXPECT_THROW(fail_after(20ms, [] { return wait_for_actor("nobody"); }), TooSlowError);
    EXPECT_FALSE(find_actor("nobody"));
  });
}

TEST_F(Names, A45_of_actors_with_one_name_the_newest_is_preferred_and_all_are_given) {
  run([] {
    open_nursery([](ActorNursery& n) {
      Portal first = n.start_actor("frank", {.modules = {"names"}, .labels = {{"part", "lead"}, {"side", "left"}}});
      Portal second = n.start_actor("frank", {.modules = {"names"}, .labels = {{"part", "lead"}}});
      Portal third = n.start_actor("frank", kDaemon);
      EXPECT_EQ(find_actor("frank")->id(), third.id());
      EXPECT_EQ(wait_for_actor("frank").id(), third.id());
      EXPECT_EQ(ids(find_actors("frank")), (std::vector<std::string>{third.id(), second.id(), first.id()}));
      EXPECT_EQ(ids(find_actors("frank", {.labels = {{"part", "lead"}}})),
                (std::vector<std::string>{second.id(), first.id()}));
      EXPECT_EQ(ids(find_actors("frank", {.labels = {{"part", "lead"}, {"side", "left"}}})),
                std::vector<std::string>{first.id()});
      EXPECT_TRUE(find_actors("frank", {.labels = {{"part", "villain"}}}).empty());
      third.cancel_actor();
      EXPECT_EQ(find_actor("frank")->id(), second.id());
      n.cancel();
    });
  });
}

// --- several programs ---

// Hosts or joins the arbiter, with a child named by the first argument, until a signal ends it.
TRACTOR_SCENARIO(owns) {
  return program->main({.name = "owner of " + arguments.at(0)}, [&] {
    open_nursery([&](ActorNursery& n) {
      n.start_actor(arguments.at(0), kDaemon);
      std::cout << "ready" << std::endl;
      sleep_forever();
    });
  });
}
// Goes on when its child dies.
TRACTOR_SCENARIO(survives_its_child) {
  return program->main([&] {
    std::cout << "ready" << std::endl;
    try {
      open_nursery([&](ActorNursery& n) { n.start_actor(arguments.at(0), kDaemon); });
    } catch (const RemoteActorError& e) {
      std::cout << e.what() << std::endl;
    }
    sleep_forever();
  });
}
TRACTOR_SCENARIO(greets_and_is_greeted) {
  return program->main({.name = arguments.at(0), .modules = {"names"}, .insecure = true}, [&] {
    std::cout << wait_for_actor(arguments.at(1)).run(greet, current_actor().name()) << std::endl;
    greeted.wait();
  });
}
// Prints its TCP address and serves there until a signal ends it.
TRACTOR_SCENARIO(serves_tcp) {
  return program->main({.listen = {"127.0.0.1:0"}, .insecure = true}, [] {
    std::cout << "at " << current_actor().info().addresses.back() << std::endl;
    sleep_forever();
  });
}

TRACTOR_SCENARIO(is_a_daemon) { return program->run_daemon({.name = arguments.at(0), .modules = {"names"}}); }
TRACTOR_SCENARIO(would_go_on) {
  return program->main({.name = arguments.at(0)}, [] { sleep_forever(); });
}

void expect_to_end(Process& process, int signal = SIGTERM) {
  process.signal(signal);
  EXPECT_EQ(process.wait(), Exit{.code = 128 + signal}) << process.err();
}

TEST_F(Names, A46_the_first_program_becomes_the_arbiter_and_a_second_finds_it) {
  Process first = Process::as("owns", {"frank"});
  ASSERT_TRUE(first.prints("ready")) << first.err();
  run({.name = "second", .modules = {"names"}}, [] {
    EXPECT_EQ(find_actor("frank").value().run(hi), "Hi my name is frank");
    std::set<std::string> names;
    for (const ActorInfo& info : list_actors()) names.insert(info.name);
    EXPECT_EQ(names, (std::set<std::string>{"frank", "owner of frank", "second"}));
  });
  run([] { EXPECT_FALSE(query_actor("second")); });
  expect_to_end(first);
}

TEST_F(Names, A46_a_program_that_runs_after_the_arbiter_ended_becomes_it) {
  for (int i = 0; i < 5; ++i) {
    Process process = Process::as("owns", {"frank"});
    ASSERT_TRUE(process.prints("ready")) << process.err();
    run([] { EXPECT_TRUE(query_actor("frank")); });
    expect_to_end(process);
    run([] { EXPECT_EQ(list_actors().size(), 1); });
  }
}

// `meanwhile` runs when the survivors are registered again.
void expect_a_survivor_takes_over_after(
    int signal, const RunOptions& options = {}, const std::function<void()>& meanwhile = [] {}) {
  std::vector<std::string> environment;
  if (!options.arbiter.empty())
    environment = {"TRACTOR_ARBITER=" + options.arbiter, "TRACTOR_CREDENTIAL_FILE=" + options.credential_file};
  Process first = Process::as("owns", {"frank"}, environment);
  ASSERT_TRUE(first.prints("ready")) << first.err();
  Process second = Process::as("owns", {"gretchen"}, environment);
  Process third = Process::as("owns", {"donny"}, environment);
  ASSERT_TRUE(second.prints("ready") && third.prints("ready"));
  const auto ended_at = std::chrono::steady_clock::now();
  first.signal(signal);
  const std::string at = options.arbiter.empty() ? "unix:" : options.arbiter;
  const auto took_over = [&](const Process& process) { return contains(process.err(), "takes its place at " + at); };
  EXPECT_TRUE(eventually([&] { return took_over(second) || took_over(third); }, 5s));
  EXPECT_NE(static_cast<bool>(took_over(second)), static_cast<bool>(took_over(third)));
  program->run(options, [&] {
    const auto everyone_is_listed = [] {
      return query_actor("gretchen") && query_actor("donny") && query_actor("owner of gretchen") &&
             query_actor("owner of donny");
    };
    EXPECT_TRUE(eventually(everyone_is_listed, 5s - (std::chrono::steady_clock::now() - ended_at)));
    EXPECT_EQ(find_actor("gretchen").value().run(hi), "Hi my name is gretchen");
    EXPECT_FALSE(query_actor("frank"));
    EXPECT_EQ(remote_error([] { get_arbiter().run("nonsense"); }).kind(), ErrorKind::not_found);
  });
  meanwhile();
  expect_to_end(second);
  expect_to_end(third);
}

TEST_F(Names, A50_when_the_program_of_the_arbiter_ends_one_that_survives_takes_its_place) {
  expect_a_survivor_takes_over_after(SIGTERM);
}
TEST_F(Names, A50_when_the_program_of_the_arbiter_is_killed_one_that_survives_takes_its_place) {
  expect_a_survivor_takes_over_after(SIGKILL);
  expect_next_start_sweeps();
}

struct NamesOverTcp : Names {
  const ScratchDirectory scratch;
  const RunOptions options = {.arbiter = "127.0.0.1:" + std::to_string(free_port()),
                              .credential_file = scratch.file("token", "secret")};
};

TEST_F(NamesOverTcp, A50_when_the_program_of_the_arbiter_ends_one_that_survives_takes_its_place) {
  expect_a_survivor_takes_over_after(SIGTERM, options, [this] {
    RunOptions stranger = options;
    stranger.credential_file = scratch.file("wrong", "guessed");
    EXPECT_TRUE(contains(usage_error([&] { program->run(stranger, [] {}); }), "credential"));
  });
}
TEST_F(NamesOverTcp, A50_when_the_program_of_the_arbiter_is_killed_one_that_survives_takes_its_place) {
  expect_a_survivor_takes_over_after(SIGKILL, options);
  expect_next_start_sweeps();
}

TEST_F(Names, A46_a_program_that_comes_while_the_arbiter_ends_becomes_it) {
  UniqueDescriptor ending = try_lock_file(runtime_directory() + "/arbiter.sock.lock");  // its socket has gone already
  ASSERT_TRUE(ending);
  Process process = Process::as("owns", {"frank"});
  EXPECT_FALSE(process.prints("ready", 300ms));
  ending.reset();
  EXPECT_TRUE(process.prints("ready", 2s * kSlowness)) << process.err();
  run([] { EXPECT_TRUE(query_actor("frank")); });
  expect_to_end(process);
}

void agree_on_one(const std::vector<std::string>& environment) {
  for (int i = 0; i < 10; ++i) {
    Process donny = Process::as("greets_and_is_greeted", {"donny", "gretchen"}, environment);
    Process gretchen = Process::as("greets_and_is_greeted", {"gretchen", "donny"}, environment);
    ASSERT_EQ(donny.wait(), Exit{.code = 0}) << donny.err();
    ASSERT_EQ(gretchen.wait(), Exit{.code = 0}) << gretchen.err();
    EXPECT_EQ(donny.out(), "hello donny\n");
    EXPECT_EQ(gretchen.out(), "hello gretchen\n");
  }
}

TEST_F(Names, A46_two_programs_started_at_the_same_moment_agree_on_one_arbiter) { agree_on_one({}); }

TEST_F(Names, A46_two_programs_started_at_the_same_moment_agree_on_one_arbiter_over_tcp) {
  agree_on_one({"TRACTOR_ARBITER=127.0.0.1:" + std::to_string(free_port())});
}

// --- what is no arbiter ---

// Running with that arbiter is a UsageError that names it, within a bounded time; returns its text.
std::string refused_arbiter(const std::string& address) {
  const auto start = std::chrono::steady_clock::now();
  const std::string error =
      usage_error([&] { program->run({.arbiter = address}, [] { ADD_FAILURE() << "the program ran"; }); });
  EXPECT_LT(std::chrono::steady_clock::now() - start, 8s * kSlowness);
  EXPECT_TRUE(contains(error, address.substr(address.find(':') + 1)));
  EXPECT_TRUE(contains(error, "no tractor arbiter"));
  return error;
}

TEST_F(Names, A47_a_silent_server_on_the_arbiters_port_is_an_error) {
  keeps_descriptors();  // gRPC gives up a handshake after 20 s only
  const Listener listener;
  refused_arbiter(listener.address());
}

TEST_F(Names, A47_a_web_server_on_the_arbiters_port_is_an_error_that_says_so) {
  const Listener listener("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(contains(refused_arbiter(listener.address()), "http1"));
}

TEST_F(Names, A47_a_server_that_hangs_up_on_the_arbiters_port_is_an_error) {
  const Listener listener("");
  refused_arbiter(listener.address());
}

TEST_F(Names, A47_a_server_that_talks_nonsense_on_the_arbiters_port_is_an_error) {
  const Listener listener("220 mail.example.com ESMTP\r\n");
  refused_arbiter(listener.address());
}

TEST_F(Names, A47_a_grpc_server_that_is_no_arbiter_is_an_error_at_once) {
  Process arbiter = Process::as("owns", {"frank"});
  ASSERT_TRUE(arbiter.prints("ready")) << arbiter.err();
  Process actor = Process::as("serves_tcp");
  ASSERT_TRUE(actor.prints("\n")) << actor.err();
  const std::string address = actor.out().substr(3, actor.out().find('\n') - 3);
  EXPECT_TRUE(contains(refused_arbiter(address), "gRPC server"));
  expect_to_end(actor);
  expect_to_end(arbiter);
}

TEST_F(Names, A47_a_foreign_unix_socket_at_the_arbiters_address_is_an_error_at_once) {
  const ScratchDirectory scratch;
  {
    const UnixListener listener(scratch / "foreign.sock");
    refused_arbiter("unix:" + scratch / "foreign.sock");
  }
  {
    const UnixListener listener(runtime_directory() + "/arbiter.sock");
    EXPECT_TRUE(contains(usage_error([&] { run([] {}); }), "no tractor arbiter"));
    std::filesystem::remove(runtime_directory() + "/arbiter.sock");
  }
  run([] {});
}

TEST_F(Names, A47_a_socket_file_that_nobody_serves_is_replaced) {
  { const UnixListener dead(runtime_directory() + "/arbiter.sock"); }
  ASSERT_TRUE(std::filesystem::exists(runtime_directory() + "/arbiter.sock"));
  run([] { EXPECT_EQ(list_actors().size(), 1); });
}

// --- who is gone ---

TEST_F(Names, A48_a_killed_actor_is_unlisted_within_a_second_and_its_address_is_given_to_nobody) {
  run([] {
    Process owner = Process::as("survives_its_child", {"frank"});
    Portal frank = wait_for_actor("frank");
    EXPECT_EQ(frank.run(hi), "Hi my name is frank");
    const ActorInfo info = query_actor("frank").value();
    kill(static_cast<pid_t>(info.pid), SIGKILL);
    EXPECT_TRUE(eventually([] { return !query_actor("frank"); }, 1s * kSlowness));
    EXPECT_FALSE(find_actor("frank"));
    for (const ActorInfo& other : list_actors()) EXPECT_NE(other.addresses, info.addresses);
    EXPECT_TRUE(owner.prints("was killed by signal 9"));
    const RemoteActorError error = remote_error([&] { return frank.run(hi); });  // an old portal
    EXPECT_EQ(error.kind(), ErrorKind::unavailable);
    EXPECT_TRUE(contains(error.what(), "frank"));
    expect_to_end(owner);
  });
}

TEST_F(Names, A48_the_actors_of_a_killed_program_are_unlisted_within_a_second) {
  killed_a_root();
  run([] {
    Process owner = Process::as("owns", {"frank"});
    wait_for_actor("frank");
    EXPECT_EQ(list_actors().size(), 3);
    owner.signal(SIGKILL);
    EXPECT_TRUE(eventually([] { return list_actors().size() == 1; }, 1s * kSlowness));
    EXPECT_FALSE(find_actor("frank"));
    EXPECT_EQ(owner.wait(), Exit{.signal = SIGKILL});
  });
}

TEST_F(Names, A48_a_name_that_was_freed_by_a_kill_can_be_taken_again) {
  run([] {
    Process owner = Process::as("survives_its_child", {"frank"});
    const std::string old = wait_for_actor("frank").id();
    kill(static_cast<pid_t>(query_actor("frank").value().pid), SIGKILL);
    EXPECT_TRUE(eventually([] { return !query_actor("frank"); }, 1s * kSlowness));
    open_nursery([&](ActorNursery& n) {
      Portal frank = n.start_actor("frank", kDaemon);
      EXPECT_NE(frank.id(), old);
      EXPECT_EQ(find_actor("frank")->id(), frank.id());
      frank.cancel_actor();
    });
    expect_to_end(owner);
  });
}

TEST_F(Names, a_daemon_that_another_actor_cancels_has_ended_well_and_a_main_function_has_not) {
  Process daemon = Process::as("is_a_daemon", {"daemon"});
  Process goes_on = Process::as("would_go_on", {"goes on"});
  Process serves = Process::as("is_a_daemon", {"serves"});
  run([] {
    EXPECT_EQ(wait_for_actor("daemon").run(greet, "gretchen"), "hello gretchen");
    wait_for_actor("daemon").cancel_actor();
    wait_for_actor("goes on").cancel_actor();
    wait_for_actor("serves");
  });
  EXPECT_EQ(daemon.wait(), Exit{.code = 0}) << daemon.err();
  EXPECT_EQ(goes_on.wait(), Exit{.code = 1});
  EXPECT_TRUE(contains(goes_on.err(), "RemoteCancelled"));
  expect_to_end(serves);
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
