// Whether an actor takes calls, and what it serves, as probes and tools ask it; how an arbiter ends.
#include <grpcpp/create_channel.h>
#include <sys/stat.h>

#include <regex>

#include "grpc/health/v1/health.grpc.pb.h"
#include "harness.h"

namespace tractor::test {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

std::string hi() { return "Hi my name is " + current_actor().name(); }
void define(Program& p) { p.module("scene").def("hi", hi); }

// Another client than ours. It blocks this thread, which those that it asks do not need.
class HealthClient {
 public:
  explicit HealthClient(const std::string& address)
      : stub_(grpc::health::v1::Health::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()))) {}

  // "SERVING", or the code of the error.
  std::string check(const std::string& service = "") {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 10s * kSlowness);
    HealthCheckRequest request;
    request.set_service(service);
    HealthCheckResponse response;
    const grpc::Status status = stub_->Check(&context, request, &response);
    return status.ok() ? HealthCheckResponse::ServingStatus_Name(response.status())
                       : "code " + std::to_string(status.error_code());
  }

  class Watch {
   public:
    Watch(grpc::health::v1::Health::Stub& stub, const std::string& service) {
      context_.set_deadline(std::chrono::system_clock::now() + 30s * kSlowness);
      HealthCheckRequest request;
      request.set_service(service);
      reader_ = stub.Watch(&context_, request);
    }
    // The next status; "end" when there is none.
    std::string next() {
      HealthCheckResponse response;
      return reader_->Read(&response) ? HealthCheckResponse::ServingStatus_Name(response.status()) : "end";
    }
    grpc::Status finish() { return reader_->Finish(); }

   private:
    grpc::ClientContext context_;
    std::unique_ptr<grpc::ClientReader<HealthCheckResponse>> reader_;
  };
  std::unique_ptr<Watch> watch(const std::string& service = "") { return std::make_unique<Watch>(*stub_, service); }

 private:
  std::unique_ptr<grpc::health::v1::Health::Stub> stub_;
};

class HealthTest : public RealProcesses {
 protected:
  static Process arbiter(std::vector<std::string> arguments, const std::vector<std::string>& environment = {}) {
    arguments.insert(arguments.begin(), built_binary("arbiter/tractor-arbiter"));
    Process process(std::move(arguments), environment);
    EXPECT_TRUE(process.prints("listening on ")) << process.err();
    return process;
  }
  // What `tractor-arbiter --health ADDRESS` says and ends with.
  static void probe(const std::string& address, int status, const std::string& says) {
    Process process({built_binary("arbiter/tractor-arbiter"), "--health", address});
    EXPECT_EQ(process.wait(), Exit{.code = status}) << process.out() << process.err();
    EXPECT_TRUE(contains(status == 0 ? process.out() : process.err(), says));
  }
  static void expect_to_end(Process& process, Exit how = {.code = 0}) {
    EXPECT_EQ(process.wait(), how) << process.err();
  }

  ScratchDirectory scratch_;
  const std::string socket_ = "unix:" + scratch_ / "a.sock";
};

TEST_F(HealthTest, an_arbiter_serves_until_it_is_ended) {
  Process process = arbiter({"--listen", socket_});
  HealthClient client(socket_);
  EXPECT_EQ(client.check(), "SERVING");
  EXPECT_EQ(client.check("tractor.v1.ArbiterService"), "SERVING");
  EXPECT_EQ(client.check("tractor.v1.ActorService"), "SERVING");
  EXPECT_EQ(client.check("nobody.Service"), "code " + std::to_string(grpc::StatusCode::NOT_FOUND));

  const auto watch = client.watch();
  EXPECT_EQ(watch->next(), "SERVING");
  const auto of_unknown = client.watch("nobody.Service");
  EXPECT_EQ(of_unknown->next(), "SERVICE_UNKNOWN");
  process.signal(SIGTERM);
  EXPECT_EQ(watch->next(), "NOT_SERVING");
  EXPECT_EQ(watch->next(), "end");
  EXPECT_EQ(watch->finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(of_unknown->next(), "end");
  expect_to_end(process);
}

TEST_F(HealthTest, a_hundred_watchers_are_told_of_its_end) {
  Process process = arbiter({"--listen", socket_});
  HealthClient client(socket_);
  std::vector<std::unique_ptr<HealthClient::Watch>> watches;
  for (int i = 0; i < 100; ++i) watches.push_back(client.watch());
  for (const auto& watch : watches) EXPECT_EQ(watch->next(), "SERVING");
  process.signal(SIGTERM);
  for (const auto& watch : watches) EXPECT_EQ(watch->next(), "NOT_SERVING");
  expect_to_end(process);
}

TEST_F(HealthTest, only_so_many_may_watch) {
  Process process = arbiter({"--listen", socket_});
  HealthClient client(socket_);
  std::vector<std::unique_ptr<HealthClient::Watch>> watches;
  for (int i = 0; i < 1000; ++i) watches.push_back(client.watch());
  for (const auto& watch : watches) EXPECT_EQ(watch->next(), "SERVING");
  const auto one_more = client.watch();
  EXPECT_EQ(one_more->next(), "end");
  EXPECT_EQ(one_more->finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  watches.pop_back();
  EXPECT_TRUE(eventually([&] { return client.watch()->next() == "SERVING"; }));
}

TEST_F(HealthTest, every_actor_has_it) {
  run([] {
    open_nursery([](ActorNursery& n) {
      Portal frank = n.start_actor("frank", {.modules = {"scene"}});
      EXPECT_EQ(frank.run(hi), "Hi my name is frank");
      HealthClient client(frank.channel().address);
      EXPECT_EQ(client.check(), "SERVING");
      const auto watch = client.watch("tractor.v1.ActorService");
      EXPECT_EQ(watch->next(), "SERVING");
      EXPECT_EQ(client.check("tractor.v1.ArbiterService"), "code " + std::to_string(grpc::StatusCode::NOT_FOUND));
      frank.cancel_actor();
      EXPECT_EQ(watch->next(), "NOT_SERVING");
      EXPECT_EQ(watch->next(), "end");
    });
  });
}

TEST_F(HealthTest, asking_over_tcp_takes_no_credential) {
  Process process = arbiter({"--listen", "127.0.0.1:0", "--credential-file", scratch_.file("token", "secret")});
  const std::string address = process.out().substr(13, process.out().find('\n') - 13);
  EXPECT_EQ(HealthClient(address).check(), "SERVING");
  probe(address, 0, "SERVING");
  process.signal(SIGTERM);
  expect_to_end(process);
}

TEST_F(HealthTest, a_probe_says_with_its_status_what_it_was_told) {
  probe(socket_, 1, "no answer from " + socket_);
  probe("nonsense", 2, "\"nonsense\"");
  {
    Process process = arbiter({"--listen", socket_});
    probe(socket_, 0, "SERVING");
    process.signal(SIGSTOP);
    probe(socket_, 1, "no answer");
    process.signal(SIGCONT);
    process.signal(SIGTERM);
    expect_to_end(process);
  }
  probe(socket_, 1, "no answer from " + socket_);
}

TEST_F(HealthTest, an_arbiter_that_drains_answers_those_it_knows_and_ends_when_they_have_gone) {
  Process process = arbiter({"--listen", socket_, "--drain", "60"});
  run({.arbiter = socket_}, [&] {
    process.signal(SIGTERM);
    HealthClient client(socket_);
    EXPECT_TRUE(eventually([&] { return client.check() == "NOT_SERVING"; }, 10s * kSlowness));
    probe(socket_, 1, "NOT_SERVING");
    EXPECT_EQ(list_actors().size(), 1);
    open_nursery([](ActorNursery& n) {  // of a tree that it knows
      n.start_actor("frank", {.modules = {"scene"}});
      EXPECT_EQ(find_actor("frank").value().run(hi), "Hi my name is frank");
      n.cancel();
    });
    Process late = Process::as("joins", {socket_});
    EXPECT_EQ(late.wait(), Exit{.code = 2}) << late.out();
    EXPECT_TRUE(contains(late.err(), "about to end"));
    EXPECT_TRUE(process.running());
  });
  expect_to_end(process);
}

TRACTOR_SCENARIO(joins) {
  return program->main({.arbiter = arguments.at(0)}, [] { std::cout << "joined\n"; });
}

TEST_F(HealthTest, draining_ends_after_its_time_and_at_once_with_a_second_sigint) {
  for (const char* seconds : {"0.3", "60"}) {
    Process process = arbiter({"--listen", socket_, "--drain", seconds});
    Process member = Process::as("stays", {socket_});
    EXPECT_TRUE(member.prints("joined"));
    process.signal(SIGINT);
    if (std::string(seconds) == "0.3") {
      expect_to_end(process);
    } else {
      EXPECT_TRUE(eventually([&] { return HealthClient(socket_).check() == "NOT_SERVING"; }, 10s * kSlowness));
      process.signal(SIGINT);
      expect_to_end(process, {.code = 130});
    }
    member.signal(SIGTERM);
    EXPECT_EQ(member.wait(), Exit{.code = 143});
  }
}

TRACTOR_SCENARIO(stays) {
  return program->main({.arbiter = arguments.at(0)}, [] {
    std::cout << "joined" << std::endl;
    sleep_forever();
  });
}

TEST_F(HealthTest, drain_and_log_format_are_checked) {
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {"--drain", "-1"}, {"--drain", "soon"}, {"--drain", "1e9"}, {"--log-format", "xml"}}) {
    Process process({built_binary("arbiter/tractor-arbiter"), wrong[0], wrong[1]});
    EXPECT_EQ(process.wait(), Exit{.code = 2});
    EXPECT_TRUE(contains(process.err(), wrong[0] == "--drain" ? "--drain" : "\"xml\"; there are text and json"));
  }
}

TEST_F(HealthTest, a_log_format_in_the_environment_that_is_none_is_told_and_text_is_used) {
  Process process = Process::as("warns", {}, {"TRACTOR_LOG_FORMAT=xml"});
  EXPECT_EQ(process.wait(), Exit{.code = 0});
  EXPECT_TRUE(contains(process.err(), "tractor: TRACTOR_LOG_FORMAT: no log format \"xml\"; there are text and json\n"));
  EXPECT_TRUE(contains(process.err(), "warning beware\n"));
}

TRACTOR_SCENARIO(warns) {
  log::warning("beware");
  return 0;
}

TEST_F(HealthTest, log_lines_are_json_when_that_is_asked_for) {
  Process process = arbiter({"--listen", socket_, "--log", "debug"}, {"TRACTOR_LOG_FORMAT=json"});
  run({.arbiter = socket_}, [] {});
  process.signal(SIGTERM);
  expect_to_end(process);
  std::istringstream lines(process.err());
  const std::regex object(
      R"x(\{"time":"[^"]+","level":"[a-z]+","pid":[0-9]+,("actor":"[^"]+",)?("task":"[^"]+",)?"message":".*"\})x");
  for (std::string line; std::getline(lines, line);) EXPECT_TRUE(std::regex_match(line, object)) << line;
  EXPECT_TRUE(contains(process.err(), R"("message":"registered root ()"));
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
