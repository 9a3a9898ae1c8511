// The API where it cannot work: outside a running program, on another thread, twice.
#include "harness.h"

namespace tractor::test {
namespace {

std::string hi() { return current_actor().name(); }
void count_up(Yield<int>& yield) {
  for (int i = 0;; ++i) yield(i);
}

struct Use {
  const char* what;
  void (*use)();
};

// Everything that needs a running program.
const std::vector<Use>& uses() {
  static const std::vector<Use> all = {
      {"current_actor", [] { current_actor(); }},
      {"current_actor().statespace", [] { current_actor().statespace(); }},
      {"find_actor", [] { find_actor("frank"); }},
      {"find_actors", [] { find_actors("frank"); }},
      {"wait_for_actor", [] { wait_for_actor("frank"); }},
      {"query_actor", [] { query_actor("frank"); }},
      {"list_actors", [] { list_actors(); }},
      {"get_arbiter", [] { get_arbiter(); }},
      {"open_nursery", [] { open_nursery([](ActorNursery&) {}); }},
      {"ActorNursery::start_actor", [] { ActorNursery().start_actor("frank"); }},
      {"ActorNursery::run_in_actor", [] { ActorNursery().run_in_actor("frank", hi); }},
      {"open_task_nursery", [] { open_task_nursery([](TaskNursery&) {}); }},
      {"sleep", [] { tractor::sleep(1ms); }},
      {"sleep_until", [] { sleep_until(Clock::now()); }},
      {"sleep_forever", [] { sleep_forever(); }},
      {"checkpoint", [] { checkpoint(); }},
      {"yield_now", [] { yield_now(); }},
      {"Event::wait", [] { Event().wait(); }},
      {"Lock::lock", [] { Lock().lock(); }},
      {"Semaphore::acquire", [] { Semaphore(1).acquire(); }},
      {"move_on_after", [] { move_on_after(1s, [] {}); }},
      {"fail_after", [] { fail_after(1s, [] {}); }},
      {"CancelScope::run", [] { CancelScope().run([] {}); }},
      {"current_effective_deadline", [] { current_effective_deadline(); }},
      {"to_thread", [] { to_thread([] {}); }},
      {"Supervisor", [] { open_nursery(*std::make_unique<Supervisor>(), [] {}); }},
      {"ledger", [] { ledger(); }},
      {"found_is_stale", [] { found_is_stale(); }},
      {"memory channel", [] { open_memory_channel<int>(0).second.receive(); }},
      {"generate", [] { generate(count_up).next(); }},
      {"gather", [] { gather([] { return 1; }); }},
  };
  return all;
}

// The names of those that do not throw a UsageError that says so.
std::vector<std::string> uses_that_work() {
  std::vector<std::string> work;
  for (const Use& use : uses()) {
    try {
      use.use();
      work.emplace_back(use.what);
    } catch (const UsageError& e) {
      if (std::string(e.what()).find("outside a running program") == std::string::npos)
        work.push_back(use.what + std::string(": ") + e.what());
    } catch (const std::exception& e) {
      work.push_back(use.what + std::string(": ") + e.what());
    }
  }
  return work;
}

void define(Program& p) { p.module("outside").def("hi", hi).def("uses_that_work", uses_that_work, in_thread); }

using Outside = RealProcesses;
const std::vector<std::string> kNone;

TEST_F(Outside, A10_the_api_outside_a_running_program_is_an_error_that_says_so) {
  EXPECT_EQ(uses_that_work(), kNone);
  run([] { checkpoint(); });
  EXPECT_EQ(uses_that_work(), kNone);  // also after one
}

TEST_F(Outside, A10_so_it_is_on_another_thread_while_a_program_runs) {
  run([] {
    EXPECT_EQ(to_thread([] { return uses_that_work(); }), kNone);
    std::vector<std::string> work;
    std::thread([&] { work = uses_that_work(); }).join();
    EXPECT_EQ(work, kNone);
  });
}

TEST_F(Outside, A10_so_it_is_in_a_function_that_runs_in_thread) {
  with_daemon({.modules = {"outside"}}, [](Portal& frank) { EXPECT_EQ(frank.run(uses_that_work), kNone); });
}

TEST_F(Outside, A10_a_portal_after_its_program_has_ended_is_an_error_that_says_so) {
  std::optional<Portal> kept;
  with_daemon({.modules = {"outside"}}, [&](Portal& frank) { kept = frank; });
  EXPECT_TRUE(contains(usage_error([&] { return kept->run(hi); }), "outside a running program"));
  EXPECT_TRUE(contains(usage_error([&] { return kept->run("outside.hi"); }), "outside a running program"));
  EXPECT_TRUE(contains(usage_error([&] { kept->cancel_actor(); }), "outside a running program"));
  EXPECT_EQ(kept->name(), "frank");
  EXPECT_TRUE(kept->channel().ended);
}

TEST_F(Outside, A10_a_portal_of_an_earlier_run_fails_in_a_later_one) {
  std::optional<Portal> kept;
  with_daemon({.modules = {"outside"}}, [&](Portal& frank) { kept = frank; });
  run([&] {
    EXPECT_TRUE(contains(usage_error([&] { kept->run(hi); }), "\"frank\" is of a run of the program that has ended"));
    EXPECT_THROW(kept->run("outside.hi"), UsageError);
    kept.reset();
  });
}

TEST_F(Outside, A10_a_second_root_in_one_process_is_an_error_that_says_so) {
  with_daemon({.modules = {"outside"}}, [](Portal& frank) {
    EXPECT_TRUE(contains(usage_error([] { program->run([] {}); }), "one root at a time"));
    EXPECT_TRUE(contains(
        usage_error([] { program->run({.name = "second", .arbiter = "127.0.0.1:1", .insecure = true}, [] {}); }),
        "one root at a time"));
    to_thread([] { EXPECT_TRUE(contains(usage_error([] { program->run([] {}); }), "one root at a time")); });
    EXPECT_EQ(frank.run(hi), "frank");
    EXPECT_EQ(hi(), "root");
    EXPECT_EQ(query_actor("frank")->id, frank.id());
  });
}

TEST_F(Outside, A10_a_program_runs_several_times_one_after_the_other) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(run([](int x) { return x + 1; }, i), i + 1);
    EXPECT_THROW(run([] { throw std::runtime_error("this time"); }), std::runtime_error);
    with_daemon({.modules = {"outside"}}, [](Portal& frank) { EXPECT_EQ(frank.run(hi), "frank"); });
  }
}

TEST_F(Outside, a_program_runs_on_any_thread) {
  std::thread([this] {
    with_daemon({.modules = {"outside"}}, [](Portal& frank) { EXPECT_EQ(frank.run(hi), "frank"); });
  }).join();
}

TEST_F(Outside, a_nursery_is_opened_once_and_takes_no_child_before_or_after) {
  run([] {
    ActorNursery nursery;
    EXPECT_THROW(nursery.start_actor("early"), UsageError);
    open_nursery(nursery, [] {});
    EXPECT_THROW(nursery.start_actor("late"), UsageError);
    EXPECT_THROW(nursery.run_in_actor("late", hi), UsageError);
    EXPECT_THROW(open_nursery(nursery, [] {}), UsageError);
    EXPECT_THROW(TaskNursery().start_soon([] {}), UsageError);
    EXPECT_TRUE(child_pids().empty());
  });
}

TEST_F(Outside, a_program_that_was_started_with_the_mark_of_a_child_says_how_to_start_it_as_a_root) {
  Process process({own_binary(), "--as", "nothing"}, {"TRACTOR_CHILD=3"});
  EXPECT_EQ(process.wait(), Exit{.code = 1});
  EXPECT_TRUE(contains(process.err(), "TRACTOR_CHILD"));
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
