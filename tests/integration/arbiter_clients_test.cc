// Programs that find each other through arbiters: whom they pick, and what they do while no arbiter answers.
#include <grpcpp/server_builder.h>

#include "arbiter_wire.h"
#include "waiting.h"

namespace tractor::test {
namespace {

std::string id() { return current_actor().id(); }
std::string names_found() {
  std::string names;
  try {
    for (const ActorInfo& actor : list_actors()) names += actor.name + " ";
  } catch (const RemoteActorError& e) {
    return e.what();
  }
  return names;
}
void define(Program& p) {
  p.module("clients").def("id", id).def("names_found", names_found).def("wait_forever", wait_forever);
}

const ActorOptions kDaemon{.modules = {"clients"}};

class Clients : public RealProcesses {
 protected:
  Process arbiter(const std::string& socket) { return start_arbiter({"--listen", socket}); }

  ScratchDirectory scratch_;
  const std::string first_ = "unix:" + scratch_ / "1.sock";
  const std::string second_ = "unix:" + scratch_ / "2.sock";
};

// --- an arbiter of another version ---

class OfVersionTwo final : public v1::ArbiterService::Service {
  grpc::Status Register(grpc::ServerContext* /*context*/,
                        grpc::ServerReaderWriter<v1::RegisterResponse, v1::RegisterRequest>* stream) override {
    v1::RegisterRequest request;
    stream->Read(&request);
    v1::RegisterResponse response;
    response.mutable_welcome()->set_version(2);
    stream->Write(response);
    while (stream->Read(&request)) {
    }
    return grpc::Status::OK;
  }
};

TEST_F(Clients, an_arbiter_of_another_version_is_named_as_such) {
  keeps_descriptors();  // gRPC's server on threads
  OfVersionTwo service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const std::string address = "127.0.0.1:" + std::to_string(port);
  const std::string error = usage_error([&] { run({.arbiter = address, .insecure = true}, [] {}); });
  EXPECT_TRUE(contains(error, "it speaks version 2 of the registration, not 1"));
  EXPECT_TRUE(contains(error, address));
}

// --- labels, picking, namespaces ---

TEST_F(Clients, a_roots_labels_are_listed) {
  run({.name = "root", .labels = {{"zone", "a"}}}, [] {
    EXPECT_EQ(query_actor("root", {.labels = {{"zone", "a"}}})->labels.at("zone"), "a");
    EXPECT_TRUE(find_actor("root", {.labels = {{"zone", "a"}}}));
    EXPECT_FALSE(find_actor("root", {.labels = {{"zone", "b"}}}));
    EXPECT_TRUE(find_actors("root", {.labels = {{"zone", "b"}}}).empty());
    EXPECT_FALSE(found_is_stale());
  });
}

TEST_F(Clients, labels_and_namespaces_that_cannot_be_are_refused) {
  EXPECT_TRUE(contains(usage_error([&] { run({.labels = {{"zone", "a\n"}}}, [] {}); }), "the label \"zone\""));
  EXPECT_TRUE(contains(usage_error([&] { run({.actor_namespace = "a\tb"}, [] {}); }), "a namespace"));
  EXPECT_TRUE(contains(usage_error([&] { run({.name = "a\nb"}, [] {}); }), "control characters"));
}

TEST_F(Clients, wait_for_actor_waits_for_the_labels_that_are_wanted) {
  run([] {
    open_nursery([](ActorNursery& n) {
      Portal other = n.start_actor("worker", {.modules = {"clients"}, .labels = {{"zone", "b"}}});
      EXPECT_TRUE(move_on_after(100ms, [] {
                    wait_for_actor("worker", {.labels = {{"zone", "a"}}});
                  }).cancelled_caught());
      open_task_nursery([&](TaskNursery& t) {
        t.start_soon([] { EXPECT_EQ(wait_for_actor("worker", {.labels = {{"zone", "a"}}}).run(id).size(), 16U); });
        n.start_actor("worker", {.modules = {"clients"}, .labels = {{"zone", "a"}}});
      });
      n.cancel();
    });
  });
}

TEST_F(Clients, round_robin_and_random_pick_everyone) {
  run([] {
    open_nursery([](ActorNursery& n) {
      std::set<std::string> all;
      for (int i = 0; i < 3; ++i) all.insert(n.start_actor("worker", kDaemon).id());
      for (const Pick pick : {Pick::round_robin, Pick::random}) {
        std::set<std::string> picked;
        const int picks = pick == Pick::round_robin ? 3 : 100;
        for (int i = 0; i < picks; ++i) picked.insert(find_actor("worker", {.pick = pick})->id());
        EXPECT_EQ(picked, all);
      }
      n.cancel();
    });
  });
}

TEST_F(Clients, the_least_loaded_is_picked_by_the_calls_that_actors_report) {
  run([] {
    open_nursery([](ActorNursery& n) {
      std::map<std::string, Portal> workers;
      for (int i = 0; i < 3; ++i) {
        Portal worker = n.start_actor("worker", kDaemon);
        workers.emplace(worker.id(), worker);
      }
      const std::string idle = find_actor("worker")->id();
      open_task_nursery([&](TaskNursery& t) {
        for (auto& [other, worker] : workers) {
          if (other != idle) t.start_soon([&] { worker.run(wait_forever); });
        }
        EXPECT_TRUE(eventually([&] {
          int busy = 0;
          for (const ActorInfo& actor : list_actors()) busy += static_cast<int>(actor.calls_in_flight);
          return busy == 2;
        }));
        tractor::sleep(1s);  // earlier picks count no more
        EXPECT_EQ(find_actor("worker", {.pick = Pick::least_loaded})->id(), idle);
        t.cancel_scope().cancel();
      });
      n.cancel();
    });
  });
}

// Whom a program in that namespace sees, from a child of its: of its environment, by default.
TRACTOR_SCENARIO(lists_from_a_child) {
  return program->main({.name = "other", .arbiter = arguments.at(0)}, [] {
    open_nursery([](ActorNursery& n) { std::cout << n.run_in_actor("child", names_found).result() << std::endl; });
  });
}

TEST_F(Clients, namespaces_do_not_see_each_other_from_children_either) {
  Process process = arbiter(first_);
  run({.name = "red", .arbiter = first_, .actor_namespace = "red"}, [&] {
    const auto seen_in = [&](const std::string& actor_namespace) {
      Process other = Process::as("lists_from_a_child", {first_}, {"TRACTOR_NAMESPACE=" + actor_namespace});
      EXPECT_EQ(other.wait(), Exit{.code = 0}) << other.err();
      return other.out();
    };
    EXPECT_EQ(seen_in("red"), "child other red \n");
    EXPECT_EQ(seen_in("blue"), "child other \n");
    EXPECT_EQ(seen_in(""), "child other \n");
    EXPECT_EQ(names_found(), "red ");
  });
}

// --- while the arbiter is away ---

TEST_F(Clients, while_the_arbiter_is_away_the_last_good_view_is_found_and_said_to_be_stale) {
  std::optional<Process> process(arbiter(first_));
  run({.arbiter = first_}, [&] {
    open_nursery([&](ActorNursery& n) {
      Portal frank = n.start_actor("frank", kDaemon);
      EXPECT_EQ(find_actor("frank")->id(), frank.id());
      EXPECT_EQ(find_actors("frank").size(), 1U);
      EXPECT_FALSE(query_actor("nobody"));
      EXPECT_FALSE(query_actor("frank")->stale);
      process->signal(SIGKILL);
      process->wait();

      EXPECT_EQ(find_actor("frank").value().run(id), frank.id());
      EXPECT_TRUE(found_is_stale());
      EXPECT_EQ(find_actors("frank").size(), 1U);
      EXPECT_TRUE(query_actor("frank")->stale);
      EXPECT_FALSE(query_actor("nobody"));
      const RemoteActorError error = remote_error([] { find_actor("not asked before"); });
      EXPECT_EQ(error.kind(), ErrorKind::unavailable);
      EXPECT_TRUE(contains(error.what(), first_));

      process.emplace(arbiter(first_));
      EXPECT_TRUE(eventually([] { return query_actor("frank") && !found_is_stale(); }, 5s * kSlowness));
      EXPECT_FALSE(query_actor("frank")->stale);
      n.cancel();
    });
  });
}

// --- several arbiters ---

TEST_F(Clients, of_several_arbiters_the_first_that_answers_is_used) {
  Process process = arbiter(second_);
  run({.name = "root", .arbiter = first_ + "," + second_}, [&] {
    EXPECT_EQ(names_found(), "root ");
    EXPECT_EQ(get_arbiter().channel().address, second_);
  });
}

TEST_F(Clients, when_one_arbiter_dies_everyone_goes_over_to_the_next) {
  std::optional<Process> process(arbiter(first_));
  run({.name = "root", .arbiter = first_ + "," + second_}, [&] {
    open_nursery([&](ActorNursery& n) {
      n.start_actor("frank", kDaemon);
      EXPECT_EQ(names_found(), "frank root ");
      for (const std::string& next : {second_, first_}) {
        process.reset();  // kills it
        process.emplace(arbiter(next));
        EXPECT_TRUE(eventually([] { return names_found() == "frank root "; }, 5s * kSlowness));
        EXPECT_TRUE(find_actor("frank"));
      }
      n.cancel();
    });
  });
}

TEST_F(Clients, an_arbiter_that_is_stopped_does_not_keep_anyone_from_the_next) {
  Process stopped = arbiter(first_);
  Process process = arbiter(second_);
  stopped.signal(SIGSTOP);
  run({.name = "root", .arbiter = first_ + "," + second_}, [&] {
    EXPECT_EQ(names_found(), "root ");
    EXPECT_EQ(get_arbiter().channel().address, second_);
  });
}

TEST_F(Clients, a_program_with_several_arbiters_becomes_none_and_says_which_do_not_answer) {
  const std::string error = usage_error([&] { run({.arbiter = first_ + "," + second_}, [] {}); });
  for (const std::string& part : {first_, second_, std::string("no tractor arbiter answers at any of")})
    EXPECT_TRUE(contains(error, part));
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "1.sock"));
  EXPECT_TRUE(contains(usage_error([&] { run({.arbiter = first_ + ",nonsense"}, [] {}); }), "\"nonsense\""));
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
