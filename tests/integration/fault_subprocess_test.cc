// Programs that start processes of their own, beside actors: theirs are killed with the actor they belong to, or left
// alone in the root.
#include "work.h"

namespace tractor::test {
namespace {

class Subprocesses : public TracedProcesses {
 protected:
  static bool gone(pid_t pid) {
    return eventually([&] { return !process_exists(pid); }, within(1s));
  }
};

// Starts `sleep 1000` through a shell, as programs do, and notes its pid; then waits, or computes.
void run_a_command(const std::string& trace, const std::string& what) {
  FILE* pipe = popen("echo $$; sleep 1000; true", "r");
  int pid = 0;
  if (pipe == nullptr || fscanf(pipe, "%d", &pid) != 1) throw std::runtime_error("popen failed");
  note(trace, "shell " + std::to_string(pid));
  leaf(trace, "actor", what);
}

// The shell and its sleep, once the actor is at work.
std::set<pid_t> processes_of_the_command(const Trace& trace) {
  EXPECT_TRUE(trace.comes("actor begins"));
  const std::string line = trace.lines().front().what;
  const pid_t shell = std::stoi(line.substr(line.find(' ') + 1));
  EXPECT_TRUE(eventually([&] { return child_pids(shell).size() == 1; }));
  std::set<pid_t> all = descendants(shell);
  all.insert(shell);
  return all;
}

TEST_F(Subprocesses, what_an_actor_started_goes_with_it) {
  for (const std::string what : {"waits", "computes"}) {
    run([&] {
      open_nursery([&](ActorNursery& n) {
        auto actor = n.run_in_actor("actor", {.budget = 300ms}, run_a_command, trace_.path(), what);
        const std::set<pid_t> command = processes_of_the_command(trace_);
        actor.cancel_actor();
        for (pid_t pid : command) EXPECT_TRUE(gone(pid)) << describe_process(pid);
        EXPECT_EQ(child_pids(), std::vector<pid_t>());
      });
    });
    std::ofstream(trace_.path(), std::ios::trunc);
  }
}

TEST_F(Subprocesses, what_a_killed_actor_started_goes_with_it) {
  run([&] {
    std::set<pid_t> command;
    remote_error([&] {
      open_nursery([&](ActorNursery& n) {
        n.run_in_actor("actor", run_a_command, trace_.path(), "waits");
        command = processes_of_the_command(trace_);
        kill(trace_.find("actor begins")->pid, SIGKILL);
        sleep_forever();
      });
    });
    for (pid_t pid : command) EXPECT_TRUE(gone(pid)) << describe_process(pid);
    EXPECT_EQ(child_pids(), std::vector<pid_t>());
  });
}

void run_a_command_below(const std::string& trace) {
  open_nursery([&](ActorNursery& n) {
    n.run_in_actor("below", run_a_command, trace, "computes");
    sleep_forever();
  });
}

TEST_F(Subprocesses, what_an_actor_below_a_killed_one_started_goes_with_it) {
  run([&] {
    std::set<pid_t> command;
    remote_error([&] {
      open_nursery([&](ActorNursery& n) {
        auto middle = n.run_in_actor("middle", run_a_command_below, trace_.path());
        command = processes_of_the_command(trace_);
        kill(query_actor("middle")->pid, SIGKILL);
        sleep_forever();
      });
    });
    for (pid_t pid : command) EXPECT_TRUE(gone(pid)) << describe_process(pid);
    EXPECT_EQ(child_pids(), std::vector<pid_t>());
  });
}

TRACTOR_SCENARIO(root_of_a_command) {
  return program->main([&] {
    open_nursery([&](ActorNursery& n) {
      n.run_in_actor("actor", run_a_command, arguments[0], arguments[1]);
      sleep_forever();
    });
  });
}

// --- in the root ---

// Starts children of every kind, one of which dies with its own below it, so that the root looks for what they left.
void actors_come_and_go(const Trace& trace) {
  remote_error([&] {
    open_nursery([&](ActorNursery& n) {
      n.start_actor("daemon").cancel_actor();
      n.run_in_actor("one-shot", ping).result();
      n.run_in_actor("tree", branch, trace.path(), "tree", 1, "waits");
      EXPECT_TRUE(trace.comes("tree begins"));
      kill(trace.find("tree begins")->pid, SIGKILL);
      sleep_forever();
    });
  });
}

TEST_F(Subprocesses, orphans_are_adopted_only_while_there_are_actors) {
  const auto adopts = [] {
    int adopts = -1;
    prctl(PR_GET_CHILD_SUBREAPER, &adopts, 0, 0, 0);
    return adopts;
  };
  prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
  run([&] {
    EXPECT_EQ(adopts(), 0);
    open_nursery([&](ActorNursery& n) {
      n.start_actor("frank");
      EXPECT_EQ(adopts(), 1);
      n.cancel();
    });
    EXPECT_EQ(adopts(), 0);
  });
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);  // as the fixture wants it
}

TEST_F(Subprocesses, popen_and_system_work_in_the_root_while_actors_come_and_go) {
  run([&] {
    FILE* pipe = popen("read line; exit 5", "w");
    ASSERT_NE(pipe, nullptr);
    actors_come_and_go(trace_);
    EXPECT_EQ(WEXITSTATUS(pclose(pipe)), 5);
    EXPECT_EQ(WEXITSTATUS(std::system("exit 6")), 6);
  });
}

// A program of the same kind beside the tree, in a process group of its own as a shell's job has one.
TEST_F(Subprocesses, a_second_root_that_the_root_started_is_left_alone_while_actors_come_and_go) {
  run([&] {
    const pid_t pid = fork();
    if (pid == 0) {
      setpgid(0, 0);
      execl(own_binary().c_str(), own_binary().c_str(), "--as", "waits", trace_.path().c_str(), nullptr);
      _exit(127);
    }
    ASSERT_TRUE(trace_.comes("second root begins"));
    actors_come_and_go(trace_);
    EXPECT_EQ(kill(pid, SIGTERM), 0);
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(WEXITSTATUS(status), 128 + SIGTERM);
  });
}
TRACTOR_SCENARIO(waits) {
  return program->main([&] { until_cancelled(arguments[0], "second root"); });
}

// A daemon that an actor has made of itself by fork, with all its descriptors; it ends with the test.
void leave_a_daemon(const std::string& trace) {
  if (fork() == 0) {
    setsid();
    note(trace, "daemon " + std::to_string(getpid()));
    while (access(trace.c_str(), F_OK) == 0) std::this_thread::sleep_for(20ms);
    _exit(0);
  }
  while (Trace(trace).lines().empty()) std::this_thread::sleep_for(1ms);
  kill(getpid(), SIGKILL);
}

TEST_F(Subprocesses, a_dead_actors_socket_that_a_daemon_of_its_own_keeps_open_holds_nobody_up) {
  const auto begin = std::chrono::steady_clock::now();
  run([&] {
    remote_error(
        [&] { open_nursery([&](ActorNursery& n) { n.run_in_actor("actor", leave_a_daemon, trace_.path()); }); });
  });
  EXPECT_LT(std::chrono::steady_clock::now() - begin, within(5s));
  const std::string line = trace_.lines().front().what;
  kill(std::stoi(line.substr(line.find(' ') + 1)), SIGKILL);
  EXPECT_TRUE(eventually([] { return reap_orphans(), descendants().empty(); }));
  expect_next_start_sweeps();  // it held its tree's lock, too
}

// A parent that ignores SIGCHLD, which its children inherit, lets the kernel reap: then nobody knows how they ended.
TEST_F(Subprocesses, children_are_waited_for_also_where_SIGCHLD_was_ignored_at_the_start) {
  Process root({"/bin/sh", "-c", "trap '' CHLD; exec \"$0\" --as calls_and_sees_a_death", own_binary()});
  EXPECT_EQ(root.wait(within(5s)), Exit{}) << root.err();
  EXPECT_TRUE(contains(root.out(), "pong") && contains(root.out(), "signal 9"));
}
TRACTOR_SCENARIO(calls_and_sees_a_death) {
  return program->main([] {
    const std::string death = remote_error([] {
                                open_nursery([](ActorNursery& n) {
                                  Portal daemon = n.start_actor("daemon", {.modules = {"work"}});
                                  std::cout << daemon.run(ping) << '\n';
                                  kill(daemon.run(own_pid), SIGKILL);
                                  sleep_forever();
                                });
                              }).what();
    std::cout << death << std::endl;
  });
}

TEST_F(Subprocesses, actors_that_have_ended_keep_no_descriptors_while_their_nursery_goes_on) {
  run([] {
    open_nursery([](ActorNursery& n) {
      std::vector<Portal> portals = {n.start_actor("daemon")};
      portals.back().cancel_actor();
      const std::size_t before = open_descriptors().size();
      for (int i = 0; i < 10; ++i) {
        portals.push_back(n.start_actor("daemon"));
        portals.back().cancel_actor();
      }
      EXPECT_TRUE(eventually([&] { return open_descriptors().size() <= before + 1; }))
          << before << " -> " << open_descriptors().size();
    });
  });
}

int run_shell(const std::string& command) { return WEXITSTATUS(std::system(command.c_str())); }

TRACTOR_SCENARIO(nothing) {
  int status = 1;
  program->run([&] { status = 9; });
  return status;
}

TEST_F(Subprocesses, system_works_in_an_actor_also_when_it_runs_this_program) {
  run([&] {
    open_nursery([&](ActorNursery& n) {
      Portal shell = n.start_actor("shell", {.modules = {"shell"}});
      EXPECT_EQ(shell.run(run_shell, "exit 7"), 7);
      // It is a root of its own, although an actor started it.
      EXPECT_EQ(shell.run(run_shell, own_binary() + " --as nothing; exit $?"), 9);
      n.cancel();
    });
  });
}

void define(Program& program) {
  define_work(program);
  program.module("shell")
      .def("run_a_command", run_a_command)
      .def("run_a_command_below", run_a_command_below)
      .def("run_shell", run_shell)
      .def("leave_a_daemon", leave_a_daemon);
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
