#include "harness.h"

namespace tractor::test {
namespace {

std::string hi() { return current_actor().name(); }
pid_t pid() { return getpid(); }
void fail() { throw std::runtime_error("the film is torn"); }

void define(Program& p) { p.module("cluster").def("hi", hi).def("pid", pid).def("fail", fail); }
const ActorOptions kCluster{.modules = {"cluster"}};

using ActorCluster = RealProcesses;

TEST_F(ActorCluster, has_actors_for_as_long_as_its_body_runs) {
  run([] {
    std::set<pid_t> pids;
    const int count = open_actor_cluster("worker", 4, kCluster, [&](std::vector<Portal>& workers) {
      for (Portal& worker : workers) pids.insert(worker.run(pid));
      EXPECT_EQ(workers[2].run(hi), "worker2");
      for (pid_t each : pids) EXPECT_TRUE(is_running(each));
      return static_cast<int>(workers.size());
    });
    EXPECT_EQ(count, 4);
    EXPECT_EQ(pids.size(), 4U);
    for (pid_t each : pids) EXPECT_EQ(process_state(each), "");
  });
}

TEST_F(ActorCluster, may_be_empty_but_not_negative) {
  run([] {
    open_actor_cluster("worker", 0, kCluster, [](std::vector<Portal>& workers) { EXPECT_TRUE(workers.empty()); });
    EXPECT_TRUE(contains(usage_error([] { open_actor_cluster("worker", -1, {}, [](std::vector<Portal>&) {}); }),
                         "there cannot be -1 actors"));
  });
}

TEST_F(ActorCluster, an_error_in_the_body_ends_it_and_is_thrown) {
  run([] {
    const RemoteActorError error = remote_error(
        [] { open_actor_cluster("worker", 3, kCluster, [](std::vector<Portal>& workers) { workers[1].run(fail); }); });
    EXPECT_EQ(error.origin().name, "worker1");
    EXPECT_TRUE(child_pids().empty());
  });
}

TEST_F(ActorCluster, an_actor_that_cannot_start_ends_the_others) {
  run([] {
    EXPECT_TRUE(contains(
        usage_error([] { open_actor_cluster("worker", 3, {.modules = {"nowhere"}}, [](std::vector<Portal>&) {}); }),
        "no module \"nowhere\""));
    EXPECT_TRUE(child_pids().empty());
  });
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
