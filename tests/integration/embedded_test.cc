// An actor inside a service with its own threads.
#include <csignal>
#include <thread>

#include "harness.h"

namespace tractor::test {
namespace {

std::string own_name() { return current_actor().name(); }
int doubled(int x) { return 2 * x; }
int fail() { throw std::runtime_error("no"); }

void define(Program& program) { program.module("embedded").def("own_name", own_name); }

using EmbeddedActor = RealProcesses;
TEST_F(EmbeddedActor, runs_functions_for_any_thread_and_gives_back_their_values_and_errors) {
  Embedded runtime(*program, {.name = "gateway"});
  EXPECT_EQ(runtime.run(own_name), "gateway");
  EXPECT_EQ(runtime.run(doubled, 21), 42);
  EXPECT_EQ(thrown<std::runtime_error>([&] { runtime.run(fail); }).what(), std::string("no"));
  EXPECT_EQ(runtime.run(doubled, 4), 8) << "one error concerns nobody else";
}

TEST_F(EmbeddedActor, its_nurseries_own_processes) {
  Embedded runtime(*program);
  const std::string name = runtime.run(
      [] { return open_nursery([](ActorNursery& n) { return n.run_in_actor("frank", own_name).result(); }); });
  EXPECT_EQ(name, "frank");
}

TEST_F(EmbeddedActor, threads_do_not_wait_for_each_other) {
  Embedded runtime(*program);
  Event event;  // on the loop
  std::jthread waiter([&] { runtime.run([&] { event.wait(); }); });
  std::vector<std::jthread> threads;
  std::atomic<int> sum = 0;
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 50; ++j) sum += runtime.run([&] { return checkpoint(), i; });
    });
  }
  threads.clear();
  EXPECT_EQ(sum, 50 * 190);
  runtime.run([&] { event.set(); });
}

TEST_F(EmbeddedActor, stop_cuts_short_what_runs_and_its_children) {
  Embedded runtime(*program);
  std::atomic<bool> unwound = false;
  std::atomic<bool> begun = false;
  std::jthread busy([&] {
    EXPECT_THROW(runtime.run([&] {
      struct Unwind {
        std::atomic<bool>& unwound;
        ~Unwind() { unwound = true; }
      } unwind{unwound};
      open_nursery([&](ActorNursery& n) {
        n.start_actor("frank");
        begun = true;
      });
    }),
                 NurseryCancelled);
  });
  EXPECT_TRUE(eventually([&] { return begun.load(); }, 5s * kSlowness));
  runtime.stop();
  EXPECT_TRUE(unwound);
  EXPECT_TRUE(child_pids().empty());
  EXPECT_THROW(runtime.run(own_name), NurseryCancelled);
  runtime.stop();  // again
}

TEST_F(EmbeddedActor, is_a_peer_that_others_call_and_cancel) {
  Embedded runtime(*program, {.name = "gateway", .modules = {"embedded"}});
  const RemoteCancelled error = thrown<RemoteCancelled>([&] {
    runtime.run([] {
      find_actor("gateway")->cancel_actor();
      sleep_forever();
    });
  });
  EXPECT_TRUE(contains(error.cancelled_by(), "gateway@"));
  EXPECT_THROW(runtime.run(own_name), RemoteCancelled);
}

TEST_F(EmbeddedActor, says_that_its_own_tasks_cannot_block_in_it) {
  Embedded runtime(*program);
  EXPECT_TRUE(contains(usage_error([&] { runtime.run([&] { runtime.run(own_name); }); }), "call the function instead"));
}

TEST_F(EmbeddedActor, says_that_its_worker_threads_cannot_block_in_it) {
  Embedded runtime(*program);
  const std::string refusal =
      runtime.run([&] { return to_thread([&] { return usage_error([&] { runtime.run(own_name); }); }); });
  EXPECT_TRUE(contains(refusal, "worker thread"));
}

TEST_F(EmbeddedActor, what_a_destructor_finds_in_one_job_concerns_nobody_else) {
  Embedded runtime(*program);
  EXPECT_THROW(runtime.run([] {
    Stream<int> stream = generate([](Yield<int>& yield) {
      try {
        for (int i = 0;; ++i) yield(i);
      } catch (const Cancelled&) {
        throw std::runtime_error("the light stayed on");
      }
    });
    stream.next();
  }),
               std::runtime_error);
  EXPECT_EQ(runtime.run(doubled, 1), 2);
}

TEST_F(EmbeddedActor, leaves_the_services_own_children_alone) {
  signal(SIGCHLD, SIG_IGN);  // as a service may that does not want to wait for them
  {
    Embedded runtime(*program);
    const pid_t child = fork();
    if (child == 0) _exit(0);
    EXPECT_TRUE(eventually([&] { return kill(child, 0) != 0; })) << "a zombie";
  }
  signal(SIGCHLD, SIG_DFL);
}

TEST_F(EmbeddedActor, a_second_one_is_refused) {
  Embedded runtime(*program);
  EXPECT_TRUE(contains(usage_error([] { Embedded second(*program); }), "one root at a time"));
  EXPECT_TRUE(contains(usage_error([] { program->run([] {}); }), "one root at a time"));
  EXPECT_EQ(runtime.run(doubled, 1), 2);
}

TEST_F(EmbeddedActor, what_keeps_it_from_starting_is_thrown) {
  EXPECT_TRUE(contains(usage_error([] { Embedded runtime(*program, {.listen = {"127.0.0.1:0"}}); }), "credential"));
}

TEST_F(EmbeddedActor, leaves_signals_to_the_service) {
  static std::atomic<int> received;
  static std::atomic<std::thread::id> receiver;
  received = 0;
  struct sigaction service {};
  service.sa_handler = [](int signal) {
    received = signal;
    receiver = std::this_thread::get_id();
  };
  std::map<int, struct sigaction> before;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGSEGV}) sigaction(signal, &service, &before[signal]);
  {
    Embedded runtime(*program);
    for (const auto& [signal, ignored] : before) {
      struct sigaction now {};
      sigaction(signal, nullptr, &now);
      EXPECT_EQ(now.sa_handler, service.sa_handler) << signal;
    }
    kill(getpid(), SIGTERM);
    EXPECT_TRUE(eventually([] { return received == SIGTERM; }, 1s));
    EXPECT_EQ(receiver.load(), std::this_thread::get_id()) << "the only thread that does not block it";
    EXPECT_EQ(runtime.run(doubled, 1), 2);
  }
  for (const auto& [signal, action] : before) sigaction(signal, &action, nullptr);
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
