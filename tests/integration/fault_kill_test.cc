// One process of a call dies or stops in the middle of it: what the others are told, and when.
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "work.h"

namespace tractor::test {
namespace {

class Killing : public TracedProcesses {
 protected:
  // The error of `call` to the actor "victim", whose process gets `signal` when its work has begun; and that it comes
  // in time.
  RemoteActorError error_when_killed(int signal, const std::function<void()>& call) {
    std::chrono::nanoseconds killed_at{};
    const RemoteActorError error = remote_error([&] {
      open_task_nursery([&](TaskNursery& tasks) {
        tasks.start_soon([&] {
          if (!trace_.comes("victim begins")) return;
          killed_at = monotonic_now();
          kill(trace_.find("victim begins")->pid, signal);
        });
        call();
      });
    });
    EXPECT_LT(monotonic_now() - killed_at, within(1s));
    return error;
  }
  static void expect_death(const RemoteActorError& error, const std::string& how) {
    EXPECT_TRUE(contains(error.what(), "\"victim\"") && contains(error.what(), how));
    EXPECT_EQ(error.kind(), ErrorKind::unavailable);
  }
};

// --- others hold nobody up ---

// Who traces a process learns first of its end: its parent has to look again.
TEST_F(Killing, a_child_that_somebody_traces_is_reaped_when_they_have_looked) {
  run([] {
    try {
      open_nursery([](ActorNursery& n) {
        const pid_t victim = n.start_actor("victim", {.modules = {"work"}}).run(own_pid);
        int attached[2];
        ASSERT_EQ(pipe(attached), 0);
        const pid_t tracer = fork();
        if (tracer == 0) {
          const char ok = ptrace(PTRACE_SEIZE, victim, 0, 0) == 0 ? 'y' : 'n';
          static_cast<void>(!write(attached[1], &ok, 1));
          const timespec late{.tv_sec = 0, .tv_nsec = 500'000'000};
          nanosleep(&late, nullptr);
          waitpid(victim, nullptr, __WALL);
          _exit(0);
        }
        char ok = '?';
        EXPECT_EQ(read(attached[0], &ok, 1), 1);
        EXPECT_EQ(ok, 'y');
        for (const int end : attached) close(end);
        kill(victim, SIGKILL);
        const CancelScope patience = move_on_after(within(3s), [] { sleep_forever(); });
        ADD_FAILURE() << "its end was not noticed";
      });
    } catch (const RemoteActorError& error) {
      expect_death(error, "signal 9");
    }
    EXPECT_TRUE(eventually([] { return reap_orphans(), child_pids().empty(); }));  // the tracer
  });
}

pid_t caller_of_large = 0;
std::string large() {
  kill(caller_of_large, SIGSTOP);
  return std::string(50 << 20, 'x');
}

TRACTOR_SCENARIO(calls_large) {
  return program->main([] { wait_for_actor("server").run(large); });
}

TEST_F(Killing, a_caller_that_does_not_read_its_result_does_not_keep_an_actor_from_ending) {
  std::optional<Process> caller;
  Clock::time_point begin;
  run({.name = "server", .modules = {"other"}}, [&] {
    caller.emplace(Process::as("calls_large"));
    caller_of_large = caller->pid();
    EXPECT_TRUE(eventually([&] { return process_state(caller_of_large) == "T"; })) << caller->err();
    begin = Clock::now();
  });
  EXPECT_LT(Clock::now() - begin, within(3s));
  caller->signal(SIGCONT);
  EXPECT_EQ(caller->wait(), Exit{.code = 1});
}

// Calls an actor that is gone, again and again.
void call_in_vain(const std::string& trace, const std::string& name) {
  Portal gone = wait_for_actor(name);
  gone.cancel_actor();
  const NoteAtEnd ends(trace, "victim ends");
  note(trace, "victim begins");
  while (true) {
    try {
      gone.run(ping);
    } catch (const RemoteActorError&) {
      checkpoint();
    }
  }
}

TEST_F(Killing, a_task_that_calls_in_vain_again_and_again_does_not_keep_its_actor_from_hearing_of_a_cancel) {
  run([&] {
    open_nursery([&](ActorNursery& n) {
      n.start_actor("short-lived", {.modules = {"work"}});
      Portal victim = n.start_actor("victim", {.modules = {"other"}});
      open_task_nursery([&](TaskNursery& calls) {
        calls.start_soon([&] { remote_error([&] { victim.run(call_in_vain, trace_.path(), "short-lived"); }); });
        EXPECT_TRUE(trace_.comes("victim begins"));
        tractor::sleep(100ms);
        const Clock::time_point begin = Clock::now();
        victim.cancel_actor();
        EXPECT_LT(Clock::now() - begin, within(500ms));
      });
    });
  });
  EXPECT_TRUE(trace_.has("victim ends"));
}

// It has its budget to tell a parent that computes how it ended.
TEST_F(Killing, an_actor_that_others_have_ended_is_no_failure_although_its_parent_is_busy) {
  run([&] {
    open_nursery([&](ActorNursery& n) {
      auto actor = n.run_in_actor("actor", ping);
      find_actor("actor").value().cancel_actor();  // as another program would
      const auto until = std::chrono::steady_clock::now() + 1200ms;
      while (std::chrono::steady_clock::now() < until) {
      }
      EXPECT_EQ(actor.result(), "pong");
    });
  });
}

TEST_F(Killing, a_portal_may_go_while_it_is_being_called) {
  with_daemon({.modules = {"work"}}, [&](Portal& frank) {
    std::map<std::string, Portal> cache;
    cache.emplace("a", find_actor("frank").value());
    open_task_nursery([&](TaskNursery& tasks) {
      tasks.start_soon([&] { cache.at("a").run(until_cancelled, trace_.path(), "victim"); });
      EXPECT_TRUE(trace_.comes("victim begins"));
      cache.clear();
      tasks.cancel_scope().cancel();
    });
    EXPECT_TRUE(trace_.has("victim ends"));
    EXPECT_EQ(frank.run(ping), "pong");
  });
}

// --- kill -9 ---

TEST_F(Killing, A36_a_call_to_a_killed_child_fails_at_once_naming_actor_and_signal) {
  run([&] {
    const RemoteActorError all = remote_error([&] {
      open_nursery([&](ActorNursery& n) {
        Portal victim = n.start_actor("victim", {.modules = {"work"}});
        const RemoteActorError error =
            error_when_killed(SIGKILL, [&] { victim.run(until_cancelled, trace_.path(), "victim"); });
        expect_death(error, "signal 9 (Killed)");
        EXPECT_EQ(error.info().attributes.at("signal"), "9");
        EXPECT_EQ(error.origin().name, "victim");
        sleep_forever();  // the nursery has the failure, too
      });
    });
    expect_death(all, "signal 9 (Killed)");
  });
}

TEST_F(Killing, A36_a_death_that_a_call_and_the_nursery_both_see_is_one_error) {
  run([&] {
    const RemoteActorError error = error_when_killed(SIGKILL, [&] {
      open_nursery([&](ActorNursery& n) {
        n.start_actor("victim", {.modules = {"work"}}).run(until_cancelled, trace_.path(), "victim");
      });
    });
    expect_death(error, "signal 9 (Killed)");
  });
}

TEST_F(Killing, A36_the_result_of_a_killed_one_shot_actor_names_actor_and_signal) {
  run([&] {
    const RemoteActorError all = remote_error([&] {
      open_nursery([&](ActorNursery& n) {
        auto victim = n.run_in_actor("victim", until_cancelled, trace_.path(), "victim");
        expect_death(error_when_killed(SIGABRT, [&] { victim.result(); }), "signal 6 (Aborted)");
        sleep_forever();
      });
    });
    expect_death(all, "signal 6 (Aborted)");
  });
}

void leave(int status) { std::_Exit(status); }

TEST_F(Killing, A36_a_child_that_exits_in_the_middle_of_a_call_fails_it_with_the_status) {
  run([&] {
    const RemoteActorError all = remote_error([&] {
      open_nursery([&](ActorNursery& n) {
        Portal victim = n.start_actor("victim", {.modules = {"other"}});
        const RemoteActorError error = remote_error([&] { victim.run(leave, 7); });
        expect_death(error, "status 7");
        EXPECT_EQ(error.info().attributes.at("exit_status"), "7");
        sleep_forever();
      });
    });
    expect_death(all, "status 7");
  });
}

// What a call to the victim throws, for one who is not its parent.
std::string call_victim(const std::string& trace) {
  try {
    wait_for_actor("victim").run(until_cancelled, trace, "victim");
  } catch (const RemoteActorError& e) {
    note(trace, "the caller knows");
    return e.what();
  }
  return "no error";
}

TEST_F(Killing, A36_a_third_actors_call_to_a_killed_actor_fails_at_once_naming_it) {
  run([&] {
    open_nursery([&](ActorNursery& n) {
      auto caller = n.run_in_actor("caller", call_victim, trace_.path());
      expect_death(error_when_killed(SIGKILL,
                                     [&] {
                                       open_nursery([&](ActorNursery& inner) {
                                         inner.start_actor("victim", {.modules = {"work"}});
                                         sleep_forever();
                                       });
                                     }),
                   "signal 9");
      const auto killed_at = monotonic_now();
      EXPECT_TRUE(contains(caller.result(), "\"victim\""));
      EXPECT_LT(trace_.find("the caller knows")->at - killed_at, within(1s));
    });
  });
}

TEST_F(Killing, A36_a_child_that_was_found_by_its_name_is_named_with_its_signal_and_its_death_is_one_error) {
  run([&] {
    const RemoteActorError error = error_when_killed(SIGKILL, [&] {
      open_nursery([&](ActorNursery& n) {
        n.start_actor("victim", {.modules = {"work"}});
        find_actor("victim")->run(until_cancelled, trace_.path(), "victim");
      });
    });
    expect_death(error, "signal 9 (Killed)");
  });
}

TEST_F(Killing, A36_later_calls_to_a_dead_actor_say_what_became_of_it) {
  run([&] {
    std::optional<Portal> portal;
    remote_error([&] {
      open_nursery([&](ActorNursery& n) {
        portal = n.start_actor("victim", {.modules = {"work"}});
        kill(portal->run(own_pid), SIGKILL);
        sleep_forever();
      });
    });
    expect_death(remote_error([&] { portal->run(ping); }), "signal 9");
  });
}

// --- a client dies ---

// A program of its own that calls the actor "server".
TRACTOR_SCENARIO(client) {
  return program->main([&] { wait_for_actor("server").run(until_cancelled, arguments[0], "task"); });
}

void be_a_client(const std::string& trace) {
  note(trace, "client begins");
  wait_for_actor("server").run(until_cancelled, trace, "task");
}

TEST_F(Killing, A38_the_task_of_a_killed_client_is_cancelled_when_that_was_another_program) {
  run([&] {
    open_nursery([&](ActorNursery& n) {
      Portal server = n.start_actor("server", {.modules = {"work"}});
      Process client = Process::as("client", {trace_.path()});
      ASSERT_TRUE(trace_.comes("task begins")) << client.err();
      client.signal(SIGKILL);
      EXPECT_TRUE(trace_.comes("task ends", within(1s)));
      EXPECT_EQ(server.run(ping), "pong");
      n.cancel();
    });
  });
  run([] {});  // sweeps what the client left
}

TEST_F(Killing, A38_the_task_of_a_killed_client_is_cancelled_when_that_was_a_child) {
  run([&] {
    open_nursery([&](ActorNursery& n) {
      Portal server = n.start_actor("server", {.modules = {"work"}});
      remote_error([&] {
        open_nursery([&](ActorNursery& inner) {
          inner.run_in_actor("client", be_a_client, trace_.path());
          EXPECT_TRUE(trace_.comes("task begins"));
          kill(trace_.find("client begins")->pid, SIGKILL);
          sleep_forever();
        });
      });
      EXPECT_TRUE(trace_.comes("task ends", within(1s)));
      EXPECT_EQ(server.run(ping), "pong");
      n.cancel();
    });
  });
}

// --- a process is stopped ---

TEST_F(Killing, A40_a_call_to_a_stopped_child_fails_at_its_deadline_and_all_goes_on_after_SIGCONT) {
  run([&] {
    open_nursery([&](ActorNursery& n) {
      Portal victim = n.start_actor("victim", {.modules = {"work"}});
      const int pid = victim.run(own_pid);
      for (int round = 0; round < 2; ++round) {
        kill(pid, SIGSTOP);
        ASSERT_TRUE(eventually([&] { return process_state(pid) == "T"; }));
        const auto begin = monotonic_now();
        const RemoteActorError error = remote_error([&] { fail_after(200ms, [&] { return victim.run(ping); }); });
        EXPECT_GE(monotonic_now() - begin, 700ms);  // the deadline, and the grace for a cancel that nobody acknowledges
        EXPECT_LT(monotonic_now() - begin, within(900ms));
        EXPECT_TRUE(contains(error.what(), "victim") && contains(error.what(), "unknown"));
        kill(pid, SIGCONT);
        EXPECT_EQ(victim.run(ping), "pong");
      }
      victim.cancel_actor();
    });
  });
}

TEST_F(Killing, A40_calls_without_a_deadline_wait_until_a_stopped_child_goes_on) {
  run([&] {
    open_nursery([&](ActorNursery& n) {
      Portal victim = n.start_actor("victim", {.modules = {"work"}});
      const int pid = victim.run(own_pid);
      kill(pid, SIGSTOP);
      ASSERT_TRUE(eventually([&] { return process_state(pid) == "T"; }));
      int answers = 0;
      open_task_nursery([&](TaskNursery& tasks) {
        for (int i = 0; i < 20; ++i) tasks.start_soon([&] { answers += victim.run(ping) == "pong"; });
        // Another actor comes and goes meanwhile.
        n.start_actor("other").cancel_actor();
        EXPECT_EQ(answers, 0);
        kill(pid, SIGCONT);
      });
      EXPECT_EQ(answers, 20);
      victim.cancel_actor();
    });
  });
}

void define(Program& program) {
  define_work(program);
  program.module("other")
      .def("leave", leave)
      .def("call_victim", call_victim)
      .def("be_a_client", be_a_client)
      .def("large", large)
      .def("call_in_vain", call_in_vain);
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
