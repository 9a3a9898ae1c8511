// Starts that fail or are cancelled. Children do what TEST_BEFORE_SERVING says before they come to serve_if_child().
#include "work.h"

namespace tractor::test {
namespace {

// "exit", "crash", "throw", "never" (serves never), "flood" (says 1 MB, then serves), "flood and exit".
void misbehave(const std::string& how) {
  if (const char* trace = std::getenv("TEST_TRACE"); trace != nullptr) note(trace, "before serving");
  if (how.starts_with("flood")) {
    const std::string line(127, '.');
    for (int i = 0; i < 8192; ++i) std::cerr << line << '\n';
  }
  std::cerr << "no configuration file\n";
  if (how.ends_with("exit")) std::_Exit(3);
  if (how == "crash") std::abort();
  if (how == "throw") throw std::runtime_error("thrown in main");
  if (how == "never") std::this_thread::sleep_for(1h);
}

class Starting : public TracedProcesses {
 protected:
  Starting() { setenv("TEST_TRACE", trace_.path().c_str(), 1); }
  ~Starting() override {
    behave();
    unsetenv("TEST_TRACE");
  }
  static void misbehave_from_now_on(const std::string& how) { setenv("TEST_BEFORE_SERVING", how.c_str(), 1); }
  static void behave() { unsetenv("TEST_BEFORE_SERVING"); }

  // The error of a start in a nursery that goes on to start others; that it comes in time.
  RemoteActorError error_of_start(const std::string& how) {
    std::optional<RemoteActorError> error;
    run([&] {
      ActorNursery n;
      open_nursery(n, [&] {
        n.start_actor("sibling");
        misbehave_from_now_on(how);
        error = remote_error([&] { n.start_actor("frank"); });
        EXPECT_LT(monotonic_now() - trace_.lines().back().at, within(1s));
        behave();
        EXPECT_EQ(n.start_actor("other", {.modules = {"work"}}).run(ping), "pong");
        EXPECT_FALSE(n.cancelled());
        n.cancel();
      });
    });
    EXPECT_TRUE(contains(error->what(), "\"frank\"") && contains(error->what(), "before it served"));
    return *error;
  }
};

TEST_F(Starting, A39_a_child_that_exits_before_it_serves_is_an_error_with_its_status_and_stderr) {
  const RemoteActorError error = error_of_start("exit");
  EXPECT_TRUE(contains(error.what(), "status 3") && contains(error.what(), "no configuration file"));
  EXPECT_EQ(error.info().attributes.at("exit_status"), "3");
}

TEST_F(Starting, A39_a_child_that_crashes_before_it_serves_is_an_error_with_its_signal_and_stderr) {
  const RemoteActorError error = error_of_start("crash");
  EXPECT_TRUE(contains(error.what(), "signal 6 (Aborted)") && contains(error.what(), "no configuration file"));
  EXPECT_EQ(error.info().attributes.at("signal"), "6");
}

TEST_F(Starting, A39_a_child_whose_main_throws_before_it_serves_is_an_error_with_what_it_threw) {
  const RemoteActorError error = error_of_start("throw");
  EXPECT_TRUE(contains(error.what(), "signal 6 (Aborted)") && contains(error.what(), "thrown in main"));
}

TEST_F(Starting, A39_of_a_long_stderr_the_tail_is_shown) {
  const RemoteActorError error = error_of_start("flood and exit");
  EXPECT_TRUE(contains(error.what(), "no configuration file"));
  EXPECT_LT(std::string(error.what()).size(), 6000u);
}

TEST_F(Starting, A39_a_one_shot_actor_that_never_serves_is_the_same_error_and_only_where_it_was_started) {
  run([&] {
    ActorNursery n;
    open_nursery(n, [&] {
      misbehave_from_now_on("exit");
      EXPECT_TRUE(contains(remote_error([&] { n.run_in_actor("frank", ping); }).what(), "status 3"));
    });
    EXPECT_FALSE(n.cancelled());
  });
}

TEST_F(Starting, A39_a_start_that_fails_two_levels_down_keeps_its_error) {
  run([&] {
    // Those of the first level serve before the second level gets the environment of this process, so it has to come
    // from there.
    const RemoteActorError error = remote_error([&] {
      open_nursery([&](ActorNursery& n) {
        n.start_actor("a", {.modules = {"starts"}}).run("starts.start_misbehaving", "exit");
      });
    });
    EXPECT_TRUE(contains(error.what(), "\"grandchild\"") && contains(error.what(), "status 3") &&
                contains(error.what(), "no configuration file"));
  });
}
void start_misbehaving(const std::string& how) {
  setenv("TEST_BEFORE_SERVING", how.c_str(), 1);
  open_nursery([](ActorNursery& n) { n.start_actor("grandchild"); });
}

TRACTOR_SCENARIO(start_a_flooding_child) {
  setenv("TEST_BEFORE_SERVING", "flood", 1);
  return program->main([] {
    open_nursery([](ActorNursery& n) {
      std::cout << n.start_actor("frank", {.modules = {"work"}}).run(ping) << std::endl;
      n.cancel();
    });
  });
}

TEST_F(Starting, A39_a_child_that_writes_a_megabyte_to_stderr_before_it_serves_does_not_block) {
  Process root = Process::as("start_a_flooding_child");
  EXPECT_EQ(root.wait(within(5s)), Exit{});
  EXPECT_EQ(root.out(), "pong\n");
  EXPECT_TRUE(contains(root.err(), "no configuration file"));  // it was passed on
}

// --- cancelled starts ---

TEST_F(Starting, a_start_that_is_cancelled_leaves_no_process_and_the_nursery_goes_on) {
  run([&] {
    ActorNursery n;
    open_nursery(n, [&] {
      misbehave_from_now_on("never");
      const CancelScope scope = move_on_after(300ms, [&] { n.start_actor("frank"); });
      EXPECT_TRUE(scope.cancelled_caught());
      behave();
      for (pid_t pid : trace_.pids()) EXPECT_TRUE(eventually([&] { return !process_exists(pid); }, within(1s)));
      EXPECT_EQ(n.start_actor("other", {.modules = {"work"}}).run(ping), "pong");
      EXPECT_FALSE(n.cancelled());
      n.cancel();
    });
  });
}

TEST_F(Starting, a_start_may_be_cancelled_at_any_moment) {
  run([&] {
    open_nursery([&](ActorNursery& n) {
      const auto start = monotonic_now();
      n.start_actor("frank");
      const Clock::duration step = (monotonic_now() - start) / 30;
      int started = 0;
      for (Clock::duration timeout = 0ms; started < 3; timeout += step) {
        started += move_on_after(timeout, [&] { n.start_actor("frank"); }).cancelled_caught() ? 0 : 1;
      }
      EXPECT_EQ(n.start_actor("other", {.modules = {"work"}}).run(ping), "pong");
      n.cancel();
    });
  });
}

TEST_F(Starting, a_nursery_may_be_cancelled_while_its_children_start) {
  for (const std::size_t processes : {0, 1, 2, 5, 8}) {
    run([&] {
      ActorNursery n;
      open_nursery(n, [&] {
        open_task_nursery([&](TaskNursery& tasks) {
          for (int i = 0; i < 8; ++i) {
            tasks.start_soon(
                [&, i] { i % 2 == 0 ? void(n.start_actor("daemon")) : void(n.run_in_actor("one-shot", ping)); });
          }
          EXPECT_TRUE(eventually([&] { return child_pids().size() >= processes; }));
          n.cancel();
        });
      });
      EXPECT_TRUE(n.cancelled());
      EXPECT_EQ(child_pids(), std::vector<pid_t>());
    });
  }
}

TEST_F(Starting, a_root_may_fail_while_its_children_start) {
  EXPECT_STREQ(thrown<std::runtime_error>([&] {
                 run([&] {
                   open_nursery([&](ActorNursery& n) {
                     open_task_nursery([&](TaskNursery& tasks) {
                       for (int i = 0; i < 4; ++i) tasks.start_soon([&] { n.start_actor("daemon"); });
                       EXPECT_TRUE(eventually([&] { return child_pids().size() >= 2; }));
                       throw std::runtime_error("the root failed");
                     });
                   });
                 });
               }).what(),
               "the root failed");
}

TEST_F(Starting, twenty_rounds_of_starting_and_cancelling_leave_the_number_of_descriptors_as_it_was) {
  run([&] {
    const auto round = [&] {
      open_nursery([&](ActorNursery& n) {
        Portal daemon = n.start_actor("daemon", {.modules = {"work"}});
        n.run_in_actor("one-shot", ping).result();
        move_on_after(1ms, [&] { n.start_actor("too slow"); });
        wait_for_actor("daemon").run(ping);
        kill(daemon.run(own_pid), SIGSTOP);
        kill(child_pids().front(), SIGCONT);
        n.cancel();
      });
    };
    for (int i = 0; i < 2; ++i) round();  // what stays is there from now on
    const std::size_t before = open_descriptors().size();
    for (int i = 0; i < 20; ++i) round();
    EXPECT_TRUE(eventually([&] { return open_descriptors().size() <= before; }, within(2s)))
        << before << " -> " << open_descriptors().size();
  });
}

// --- one-shot actors ---

std::string call_when(const std::string& trace, const std::string& line, const std::string& other) {
  if (!Trace(trace).comes(line)) return "never";
  return wait_for_actor(other).run(ping);
}
void return_at_once(const std::string& trace, const std::string& who) { note(trace, who + " returns"); }

TEST_F(Starting, one_shot_actors_serve_on_after_they_returned_for_as_long_as_one_of_them_works) {
  run([&] {
    open_nursery([&](ActorNursery& n) {
      auto first = n.run_in_actor("first", {.modules = {"work"}}, return_at_once, trace_.path(), "first");
      first.result();
      auto second = n.run_in_actor("second", {.modules = {"work"}}, call_when, trace_.path(), "the body ends", "first");
      auto third = n.run_in_actor("third", {.modules = {"work"}}, call_when, trace_.path(), "the body ends", "second");
      auto fourth = n.run_in_actor("fourth", call_when, trace_.path(), "the body ends", "third");
      note(trace_.path(), "the body ends");
    });
  });
}

void define(Program& program) {
  define_work(program);
  program.module("starts")
      .def("start_misbehaving", start_misbehaving)
      .def("call_when", call_when)
      .def("return_at_once", return_at_once);
  const char* how = std::getenv("TEST_BEFORE_SERVING");
  if (how != nullptr && std::getenv("TRACTOR_CHILD") != nullptr) misbehave(how);
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
