// tractor-arbiter, the registry as a program of its own.
#include <sys/stat.h>

#include <boost/asio/ip/tcp.hpp>

#include "harness.h"
#include "listener.h"
#include "runtime/version.h"

namespace tractor::test {
namespace {

std::string hi() { return "Hi my name is " + current_actor().name(); }
void define(Program& p) { p.module("scene").def("hi", hi); }

class ArbiterProgram : public RealProcesses {
 protected:
  static Process arbiter(std::vector<std::string> arguments, const std::vector<std::string>& environment = {}) {
    arguments.insert(arguments.begin(), built_binary("arbiter/tractor-arbiter"));
    return Process(std::move(arguments), environment);
  }
  // One that listens there, once it does.
  static Process arbiter_on(const std::string& address, std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.end(), {"--listen", address});
    Process process = arbiter(std::move(arguments));
    EXPECT_TRUE(process.prints("listening on ")) << process.err();
    return process;
  }
  static void expect_to_end(Process& process) {
    process.signal(SIGTERM);
    EXPECT_EQ(process.wait(), Exit{.code = 0}) << process.err();
    EXPECT_EQ(process.err(), "");
  }
  // It ends with status 2, prints nothing but an error with all these parts, and serves nothing.
  static void refused(Process process, const std::vector<std::string>& parts) {
    EXPECT_EQ(process.wait(), Exit{.code = 2}) << process.out() << process.err();
    EXPECT_EQ(process.out(), "");
    for (const std::string& part : parts) EXPECT_TRUE(contains(process.err(), part));
  }
  void TearDown() override {
    for (const std::string& path : left_in(scratch_.path())) {
      if (std::filesystem::is_socket(path)) ADD_FAILURE() << "left behind: " << path;
    }
    RealProcesses::TearDown();
  }

  ScratchDirectory scratch_;
  const std::string socket_ = "unix:" + scratch_ / "a.sock";
};

// The address in the line "listening on ADDRESS" of that number.
std::string listening(const Process& process, int line = 0) {
  std::istringstream lines(process.out());
  std::string text;
  for (int i = 0; i <= line; ++i) std::getline(lines, text);
  const std::string start = "listening on ";
  EXPECT_TRUE(text.starts_with(start)) << process.out();
  return text.substr(std::min(start.size(), text.size()));
}

std::string names_in(const std::string& arbiter, RunOptions options = {}) {
  options.name = "asker";
  options.arbiter = arbiter;
  return program->run(options, [] {
    std::string names;
    for (const ActorInfo& info : list_actors()) names += info.name + " ";
    return names;
  });
}

// How many the arbiter lists; -1 while it is away.
int number_listed() {
  try {
    return static_cast<int>(list_actors().size());
  } catch (const RemoteActorError&) {
    return -1;
  }
}

// --- its command line ---

TEST_F(ArbiterProgram, help_says_what_it_does_and_exits_0) {
  Process process = arbiter({"--help"});
  EXPECT_EQ(process.wait(), Exit{.code = 0});
  for (const char* part : {"tractor-arbiter", "--listen", "--credential-file", "--insecure", "--log", "--store",
                           "--ttl", "TRACTOR_ARBITER"}) {
    EXPECT_TRUE(contains(process.out(), part));
  }
  EXPECT_EQ(process.err(), "");
}

TEST_F(ArbiterProgram, says_its_version) {
  Process process = arbiter({"--version"});
  EXPECT_EQ(process.wait(), Exit{.code = 0});
  EXPECT_EQ(process.out(), std::string("tractor-arbiter ") + version() + "\n");
}

TEST_F(ArbiterProgram, wrong_options_are_usage_errors) {
  refused(arbiter({"--nonsense"}), {"--nonsense"});
  refused(arbiter({"surplus"}), {"surplus"});
  refused(arbiter({"--listen"}), {"--listen"});
  refused(arbiter({"--listen", "nonsense"}), {"\"nonsense\"", "unix:/path/to.sock or host:port"});
  refused(arbiter({"--listen", socket_, "--listen", "nonsense"}), {"\"nonsense\""});
  refused(arbiter({"--log", "loud"}), {"\"loud\"", "trace"});
  refused(arbiter({"--credential-file", scratch_ / "none"}), {scratch_ / "none"});
}

TEST_F(ArbiterProgram, tcp_asks_for_a_credential_or_insecure) {
  refused(arbiter({"--listen", "127.0.0.1:0"}), {"127.0.0.1:0", "TRACTOR_CREDENTIAL_FILE", "insecure"});
  refused(arbiter({"--listen", socket_, "--listen", "127.0.0.1:0"}),
          {"127.0.0.1:0", "TRACTOR_CREDENTIAL_FILE", "insecure"});
}

TEST_F(ArbiterProgram, a_bad_runtime_directory_is_a_usage_error) {
  chmod(runtime_directory().c_str(), 0755);
  refused(arbiter({}), {runtime_directory(), "chmod 700"});
  chmod(runtime_directory().c_str(), 0700);
}

TEST_F(ArbiterProgram, listens_where_programs_look_by_default) {
  Process process = arbiter({});
  ASSERT_TRUE(process.prints("listening on unix:" + runtime_directory() + "/arbiter.sock\n")) << process.err();
  run([] { EXPECT_EQ(query_actor("root")->pid, getpid()); });
  expect_to_end(process);
}

TEST_F(ArbiterProgram, listens_where_the_environment_says) {
  Process process = arbiter({}, {"TRACTOR_ARBITER=" + socket_});
  ASSERT_TRUE(process.prints("listening on " + socket_ + "\n")) << process.err();
  EXPECT_EQ(names_in(socket_), "asker ");
  expect_to_end(process);
}

TEST_F(ArbiterProgram, does_not_guess_which_of_several_arbiters_it_is) {
  const std::string list = socket_ + ",127.0.0.1:0";
  refused(arbiter({}, {"TRACTOR_ARBITER=" + list}), {"TRACTOR_ARBITER names several arbiters, \"" + list, "--listen"});
}

TEST_F(ArbiterProgram, sigterm_and_sigint_end_it_with_status_0_and_remove_its_socket) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Process process = arbiter_on(socket_);
    process.signal(signal);
    EXPECT_EQ(process.wait(), Exit{.code = 0});
    EXPECT_FALSE(std::filesystem::exists(scratch_ / "a.sock"));
  }
}

// --- several addresses, several arbiters ---

TEST_F(ArbiterProgram, serves_several_addresses_and_says_which) {
  Process process = arbiter({"--insecure", "--listen", socket_, "--listen", "127.0.0.1:0"});
  ASSERT_TRUE(process.prints("127.0.0.1:")) << process.err();
  EXPECT_EQ(listening(process, 0), socket_);
  const std::string tcp = listening(process, 1);
  EXPECT_FALSE(tcp.ends_with(":0"));
  run({.arbiter = socket_}, [&] {
    Process other = Process::as("lists", {tcp});
    EXPECT_EQ(other.wait(), Exit{.code = 0}) << other.err();
    EXPECT_EQ(other.out(), "asker root \n");
  });
  expect_to_end(process);
}

TRACTOR_SCENARIO(lists) {
  std::cout << names_in(arguments.at(0), {.insecure = true}) << '\n';
  return 0;
}

TEST_F(ArbiterProgram, a_second_one_on_the_same_socket_is_refused_and_the_first_goes_on) {
  Process first = arbiter_on(socket_);
  refused(arbiter({"--listen", socket_}), {"another arbiter", socket_});
  EXPECT_EQ(names_in(socket_), "asker ");
  expect_to_end(first);
}

TEST_F(ArbiterProgram, a_second_one_on_the_same_port_is_refused_and_the_first_goes_on) {
  Process first = arbiter_on("127.0.0.1:0", {"--insecure"});
  const std::string address = listening(first);
  refused(arbiter({"--insecure", "--listen", address}), {address, "in use"});
  EXPECT_EQ(names_in(address), "asker ");
  expect_to_end(first);
}

TEST_F(ArbiterProgram, one_beside_a_program_that_is_the_arbiter_is_refused) {
  run([this] {
    refused(arbiter({}), {"another arbiter", runtime_directory()});
    EXPECT_EQ(list_actors().size(), 1);
  });
}

TEST_F(ArbiterProgram, the_same_address_twice_is_refused) {
  refused(arbiter({"--listen", socket_, "--listen", socket_}), {socket_});
  Process process = arbiter_on(socket_);  // and nothing is in the way of the next
  expect_to_end(process);
}

TEST_F(ArbiterProgram, an_address_that_something_else_uses_is_refused) {
  const Listener foreign;
  refused(arbiter({"--insecure", "--listen", foreign.address()}), {foreign.address(), "in use"});
  refused(arbiter({"--insecure", "--listen", socket_, "--listen", foreign.address()}), {foreign.address(), "in use"});
  const UnixListener foreign_socket(scratch_ / "foreign.sock");
  refused(arbiter({"--listen", "unix:" + scratch_ / "foreign.sock"}), {"foreign.sock", "no tractor arbiter"});
  std::filesystem::remove(scratch_ / "foreign.sock");
}

// --- credentials ---

TEST_F(ArbiterProgram, tcp_lets_in_who_shows_the_credential_and_tells_others_why_not) {
  Process process = arbiter_on("127.0.0.1:0", {"--credential-file", scratch_.file("token", "secret")});
  const std::string address = listening(process);
  EXPECT_EQ(names_in(address, {.credential_file = scratch_ / "token"}), "asker ");
  EXPECT_TRUE(contains(usage_error([&] { names_in(address); }), "TRACTOR_CREDENTIAL_FILE"));
  const std::string wrong = scratch_.file("wrong", "guess");
  EXPECT_TRUE(contains(usage_error([&] { names_in(address, {.credential_file = wrong}); }), "credential"));
  EXPECT_EQ(names_in(address, {.credential_file = scratch_ / "token"}), "asker ");
  expect_to_end(process);
}

TEST_F(ArbiterProgram, over_tcp_it_serves_again_when_it_had_no_descriptors_left) {
  Process process({"/bin/sh", "-c", "ulimit -n 64; exec \"$0\" \"$@\"", built_binary("arbiter/tractor-arbiter"),
                   "--insecure", "--listen", "127.0.0.1:0"});
  ASSERT_TRUE(process.prints("listening on ")) << process.err();
  const std::string address = listening(process);
  {
    boost::asio::io_context io;
    const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    std::vector<boost::asio::ip::tcp::socket> strangers;
    for (int i = 0; i < 100; ++i) strangers.emplace_back(io).connect({boost::asio::ip::address_v4::loopback(), port});
    EXPECT_TRUE(eventually([&] { return contains(process.err(), "cannot accept a connection"); }));
  }
  EXPECT_EQ(names_in(address), "asker ");
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait(), Exit{.code = 0}) << process.err();
}

// --- when it goes away ---

TEST_F(ArbiterProgram, programs_that_end_are_unlisted_those_that_stay_are_not) {
  Process process = arbiter_on(socket_);
  run({.arbiter = socket_}, [&] {
    for (int i = 0; i < 3; ++i) {
      Process other = Process::as("lists", {socket_});
      EXPECT_EQ(other.wait(), Exit{.code = 0}) << other.err();
      EXPECT_EQ(other.out(), "asker root \n");
      EXPECT_TRUE(eventually([] { return list_actors().size() == 1; }, 1s * kSlowness));
    }
  });
  expect_to_end(process);
}

TEST_F(ArbiterProgram, A49_killed_and_back_the_actors_went_on_and_are_listed_again) {
  std::optional<Process> process(arbiter_on(socket_));
  run({.arbiter = socket_}, [&] {
    open_nursery([&](ActorNursery& n) {
      Portal frank = n.start_actor("frank", {.modules = {"scene"}});
      for (int i = 0; i < 3; ++i) {
        process->signal(SIGKILL);
        process->wait();
        EXPECT_EQ(frank.run(hi), "Hi my name is frank");
        const RemoteActorError error = remote_error([] { list_actors(); });
        EXPECT_EQ(error.kind(), ErrorKind::unavailable);
        EXPECT_TRUE(contains(error.what(), socket_));
        Portal born_meanwhile = n.start_actor("gretchen", {.modules = {"scene"}});
        EXPECT_EQ(born_meanwhile.run(hi), "Hi my name is gretchen");

        process.reset();
        process.emplace(arbiter_on(socket_));
        EXPECT_TRUE(eventually([] { return number_listed() == 3; }, 5s * kSlowness)) << number_listed();
        EXPECT_EQ(find_actor("frank").value().run(hi), "Hi my name is frank");
        EXPECT_EQ(find_actor("gretchen")->id(), born_meanwhile.id());
        born_meanwhile.cancel_actor();
      }
      n.cancel();
    });
  });
  expect_to_end(*process);
}

TEST_F(ArbiterProgram, A49_waiting_for_an_actor_outlasts_the_arbiter) {
  std::optional<Process> process(arbiter_on(socket_));
  run({.arbiter = socket_}, [&] {
    open_nursery([&](ActorNursery& n) {
      open_task_nursery([&](TaskNursery& t) {
        t.start_soon([] { EXPECT_EQ(wait_for_actor("late").run(hi), "Hi my name is late"); });
        EXPECT_EQ(list_actors().size(), 1);
        process.reset();  // kills it
        process.emplace(arbiter_on(socket_));
        n.start_actor("late", {.modules = {"scene"}});
      });
      n.cancel();
    });
  });
  expect_to_end(*process);
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
