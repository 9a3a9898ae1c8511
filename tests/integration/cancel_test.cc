// Cancelling over real processes: who is told, in which order things end, and what surfaces.
#include "work.h"

namespace tractor::test {
namespace {

class Cancelling : public TracedProcesses {
 protected:
  // Two actors that end only when they are cancelled, at work when this returns.
  void start_siblings(ActorNursery& n) {
    n.run_in_actor("ann", until_cancelled, trace_.path(), "ann");
    n.run_in_actor("bob", until_cancelled, trace_.path(), "bob");
    ASSERT_TRUE(trace_.comes("ann begins") && trace_.comes("bob begins"));
  }
  void expect_siblings_ended() {
    EXPECT_TRUE(trace_.has("ann ends") && trace_.has("bob ends")) << trace_.text();
    expect_all_gone();
  }
  // No process that wrote to the trace is there any more, not even as a zombie.
  void expect_all_gone() {
    for (pid_t pid : trace_.pids()) EXPECT_TRUE(pid == getpid() || !process_exists(pid)) << describe_process(pid);
  }
};

TEST_F(Cancelling, A27_a_timeout_around_a_nursery_ends_an_endless_call_and_the_actor) {
  // On a busy machine the actor may not have begun in time: then with more of it.
  for (Clock::duration timeout = 300ms; !trace_.has("streamer begins"); timeout *= 2) {
    run([&] {
      ActorNursery n;
      const CancelScope scope = move_on_after(timeout, [&] {
        open_nursery(n, [&] {
          Portal streamer = n.start_actor("streamer", {.modules = {"work"}});
          streamer.run(until_cancelled, trace_.path(), "streamer");
        });
      });
      EXPECT_TRUE(scope.cancelled_caught());
      EXPECT_TRUE(n.cancelled());
      EXPECT_FALSE(find_actor("streamer"));
      expect_all_gone();
    });
  }
  EXPECT_TRUE(trace_.has("streamer ends"));
}

TEST_F(Cancelling, A28_cancelling_the_nursery_cancels_every_child_and_is_no_error) {
  run([&] {
    ActorNursery n;
    open_nursery(n, [&] {
      start_siblings(n);
      n.cancel();
    });
    EXPECT_TRUE(n.cancelled());
    expect_siblings_ended();
  });
}

TEST_F(Cancelling, A28_an_error_in_the_body_cancels_every_child_and_surfaces_as_itself) {
  run([&] {
    ActorNursery n;
    const auto error = thrown<std::runtime_error>([&] {
      open_nursery(n, [&] {
        start_siblings(n);
        throw std::runtime_error("the body failed");
      });
    });
    EXPECT_STREQ(error.what(), "the body failed");
    expect_siblings_ended();
  });
}

TEST_F(Cancelling, A28_a_nursery_whose_body_failed_says_that_it_was_cancelled) {
  run([&] {
    ActorNursery n;
    thrown<std::runtime_error>([&] { open_nursery(n, [&] { throw std::runtime_error("the body failed"); }); });
    EXPECT_TRUE(n.cancelled());
  });
}

TEST_F(Cancelling, A28_an_error_in_a_one_shot_child_cancels_its_siblings_and_the_body) {
  run([&] {
    ActorNursery n;
    bool body_was_cancelled = false;
    const RemoteActorError error = remote_error([&] {
      open_nursery(n, [&] {
        start_siblings(n);
        try {
          n.run_in_actor("carl", fail_with, "carl failed");
          sleep_forever();
        } catch (const Cancelled&) {  // here or already there
          body_was_cancelled = true;
          throw;
        }
      });
    });
    EXPECT_EQ(error.message(), "carl failed");
    EXPECT_EQ(error.type_name(), "std::runtime_error");
    EXPECT_EQ(error.origin().name, "carl");
    EXPECT_TRUE(body_was_cancelled);
    EXPECT_TRUE(n.cancelled());
    expect_siblings_ended();
  });
}

TEST_F(Cancelling, A28_a_daemon_that_ends_unasked_cancels_its_siblings_and_the_body) {
  run([&] {
    ActorNursery n;
    const RemoteActorError error = remote_error([&] {
      open_nursery(n, [&] {
        start_siblings(n);
        const Portal daemon = n.start_actor("dora", {.modules = {"work"}});
        kill(query_actor("dora")->pid, SIGTERM);
        sleep_forever();
      });
    });
    EXPECT_TRUE(contains(error.message(), "dora") && contains(error.message(), "signal 15"));
    EXPECT_TRUE(n.cancelled());
    expect_siblings_ended();
  });
}

TEST_F(Cancelling, A28_an_error_three_levels_down_cancels_the_siblings_at_every_level) {
  run([&] {
    const RemoteActorError error = remote_error([&] {
      open_nursery([&](ActorNursery& n) {
        start_siblings(n);
        n.run_in_actor("tree", branch, trace_.path(), "tree", 2, "fails");
        sleep_forever();
      });
    });
    EXPECT_EQ(error.message(), "tree.1.1 failed");
    EXPECT_EQ(error.origin().name, "tree.1.1");
    EXPECT_TRUE(trace_.has("tree ends") && trace_.has("tree.1 ends")) << trace_.text();
    expect_siblings_ended();
  });
}

// --- calls ---

// A daemon in a nursery of its own, for tests that cancel calls to it; checks that it still serves when `body` has
// ended.
void with_worker(const std::function<void(Portal&)>& body) {
  open_nursery([&](ActorNursery& n) {
    Portal daemon = n.start_actor("daemon", {.modules = {"work"}});
    body(daemon);
    EXPECT_EQ(daemon.run(ping), "pong");
    daemon.cancel_actor();
  });
}

// Cancels `scope` when the trace has that line.
void cancel_when(const Trace& trace, const std::string& line, CancelScope& scope, const std::function<void()>& body) {
  open_task_nursery([&](TaskNursery& tasks) {
    tasks.start_soon([&] {
      EXPECT_TRUE(trace.comes(line));
      scope.cancel();
    });
    scope.run(body);
  });
}

TEST_F(Cancelling, A29_the_remote_destructors_ran_before_the_local_wait_ends) {
  run([&] {
    with_worker([&](Portal& daemon) {
      CancelScope scope;
      cancel_when(trace_, "callee begins", scope, [&] { daemon.run(until_cancelled, trace_.path(), "callee"); });
      note(trace_.path(), "the wait ends");
      EXPECT_TRUE(scope.cancelled_caught());
      EXPECT_LT(trace_.position("callee ends"), trace_.position("the wait ends")) << trace_.text();
    });
  });
}

// Calls on, through actors of its own, and waits for the last one.
void call_chain(const std::string& trace, const std::string& who, int below) {
  const NoteAtEnd ends(trace, who + " ends");
  note(trace, who + " begins");
  if (below == 0) sleep_forever();
  wait_for_actor(who + ".1").run(call_chain, trace, who + ".1", below - 1);
}

TEST_F(Cancelling, A29_a_chain_of_calls_ends_from_its_far_end) {
  run([&] {
    open_nursery([&](ActorNursery& n) {
      Portal first = n.start_actor("a", {.modules = {"chain"}});
      n.start_actor("a.1", {.modules = {"chain"}});
      n.start_actor("a.1.1", {.modules = {"chain"}});
      CancelScope scope;
      cancel_when(trace_, "a.1.1 begins", scope, [&] { first.run(call_chain, trace_.path(), "a", 2); });
      note(trace_.path(), "the wait ends");
      EXPECT_LT(trace_.position("a.1.1 ends"), trace_.position("a.1 ends")) << trace_.text();
      EXPECT_LT(trace_.position("a.1 ends"), trace_.position("a ends")) << trace_.text();
      EXPECT_LT(trace_.position("a ends"), trace_.position("the wait ends")) << trace_.text();
      n.cancel();
    });
  });
}

TEST_F(Cancelling, A29_a_hundred_calls_are_cancelled_together) {
  run([&] {
    with_worker([&](Portal& daemon) {
      open_task_nursery([&](TaskNursery& calls) {
        for (int i = 0; i < 100; ++i) calls.start_soon([&] { daemon.run(until_cancelled, trace_.path(), "call"); });
        EXPECT_TRUE(eventually([&] { return trace_.count("begins") == 100; }, within(5s)));
        calls.cancel_scope().cancel();
      });
      EXPECT_EQ(trace_.count("ends"), 100);
    });
  });
}

TEST_F(Cancelling, A29_calls_cancelled_as_soon_as_they_were_sent_leave_nothing_running) {
  run([&] {
    with_worker([&](Portal& daemon) {
      const auto begin = Clock::now();
      for (int round = 0; round < 5; ++round) {
        open_task_nursery([&](TaskNursery& calls) {
          for (int i = 0; i < 100; ++i) calls.start_soon([&] { daemon.run(until_cancelled, trace_.path(), "call"); });
          for (int i = 0; i < round; ++i) checkpoint();
          calls.cancel_scope().cancel();
        });
        EXPECT_EQ(trace_.count("begins"), trace_.count("ends")) << "after " << round << " checkpoints";
      }
      EXPECT_LT(Clock::now() - begin, within(2s));
    });
  });
}

// gRPC keeps no order between calls: of those that waited for a connection it sends the last first.
TEST_F(Cancelling, A29_a_cancel_that_overtakes_its_call_reaches_it) {
  run([&] {
    with_worker([&](Portal& daemon) {
      const auto pid = static_cast<pid_t>(query_actor(daemon.name()).value().pid);
      open_task_nursery([&](TaskNursery& calls) {
        kill(pid, SIGSTOP);
        for (int i = 0; i < 100; ++i) calls.start_soon([&] { daemon.run(until_cancelled, trace_.path(), "call"); });
        tractor::sleep(20ms);
        calls.cancel_scope().cancel();
        calls.start_soon([pid] {
          CancelScope({.shield = true}).run([] { tractor::sleep(20ms); });
          kill(pid, SIGCONT);
        });
      });
      EXPECT_EQ(trace_.count("begins"), trace_.count("ends"));
    });
  });
}

TEST_F(Cancelling, A30_a_remote_task_that_shields_itself_finishes_and_the_caller_waits_for_it) {
  run([&] {
    with_worker([&](Portal& daemon) {
      // The second takes longer than the 500 ms in which a cancel must be acknowledged, which the callee's loop does at
      // once.
      for (const auto& [who, duration] : {std::pair("short", 200ms), std::pair("long", 800ms)}) {
        CancelScope scope;
        cancel_when(trace_, std::string(who) + " begins", scope,
                    [&] { daemon.run(finish_work, trace_.path(), who, duration); });
        EXPECT_TRUE(scope.cancelled_caught());
        const auto told = trace_.find(std::string(who) + " is told");
        ASSERT_TRUE(told) << trace_.text();
        EXPECT_GE(monotonic_now() - told->at, duration);
        EXPECT_TRUE(trace_.has(std::string(who) + " ends")) << trace_.text();
      }
    });
  });
}

TEST_F(Cancelling, A31_a_deadline_reaches_three_processes_down_with_less_left_at_every_hop) {
  run([&] {
    with_worker([&](Portal& daemon) {
      EXPECT_EQ(daemon.run(time_left, 0), std::vector<std::int64_t>{-1});  // none

      const Clock::duration timeout = within(20s);
      std::vector<std::int64_t> left = fail_after(timeout, [&] { return daemon.run(time_left, 2); });
      left.insert(left.begin(), timeout.count());
      ASSERT_EQ(left.size(), 4u);
      for (std::size_t i = 1; i < left.size(); ++i) {
        EXPECT_LT(left[i], left[i - 1]) << "hop " << i;
        EXPECT_GT(left[i], 0) << "hop " << i;
      }
    });
  });
}

TEST_F(Cancelling, A31_a_deadline_around_its_nursery_reaches_a_one_shot_actor) {
  run([&] {
    open_nursery([](ActorNursery& n) {
      EXPECT_EQ(n.run_in_actor("free", time_left, 0).result(), std::vector<std::int64_t>{-1});
    });
    const Clock::duration timeout = within(20s);
    const std::vector<std::int64_t> left = fail_after(timeout, [&] {
      return open_nursery([](ActorNursery& n) { return n.run_in_actor("bound", time_left, 0).result(); });
    });
    EXPECT_GT(left.at(0), 0);
    EXPECT_LT(left.at(0), timeout.count());
  });
}

TEST_F(Cancelling, a_one_shot_whose_nursery_gets_more_time_is_told_that_it_was_cut_by_the_old_deadline) {
  run([&] {
    CancelScope scope({.deadline = deadline_after(2s * kSlowness)});
    const RemoteActorError error = remote_error([&] {
      scope.run([&] {
        open_nursery([&](ActorNursery& n) {
          auto one_shot = n.run_in_actor("cut", until_cancelled, trace_.path(), "cut");
          scope.set_deadline(Clock::kNever);
          one_shot.result();
        });
      });
    });
    EXPECT_EQ(error.kind(), ErrorKind::deadline_exceeded) << error.what();
    EXPECT_FALSE(scope.cancelled_caught());
  });
}

TEST_F(Cancelling, A31_a_deadline_that_passes_ends_the_work_three_processes_down) {
  run([&] {
    open_nursery([&](ActorNursery& n) {
      Portal first = n.start_actor("a", {.modules = {"chain"}});
      n.start_actor("a.1", {.modules = {"chain"}});
      n.start_actor("a.1.1", {.modules = {"chain"}});
      const CancelScope scope = move_on_after(300ms * kSlowness, [&] { first.run(call_chain, trace_.path(), "a", 2); });
      EXPECT_TRUE(scope.cancelled_caught());
      EXPECT_TRUE(eventually([&] { return trace_.count("begins") == trace_.count("ends"); }, within(1s)))
          << trace_.text();
      n.cancel();
    });
  });
}

TEST_F(Cancelling, A35_every_daemon_is_told_before_the_first_one_ends) {
  constexpr int kDaemons = kSlowness > 1 ? 15 : 50;
  run([&] {
    open_nursery([&](ActorNursery& n) {
      open_task_nursery([&](TaskNursery& tasks) {
        for (int i = 0; i < kDaemons; ++i) {
          tasks.start_soon([&, who = "daemon " + std::to_string(i)] {
            Portal daemon = n.start_actor(who, {.modules = {"work"}, .budget = within(5s)});
            daemon.run(finish_work, trace_.path(), who, 300ms * kSlowness);
          });
        }
        EXPECT_TRUE(eventually([&] { return trace_.count("begins") == kDaemons; }, within(20s)));
        n.cancel();
      });
    });
  });
  std::chrono::nanoseconds last_told{};
  std::chrono::nanoseconds first_ends = monotonic_now();
  for (const Trace::Line& line : trace_.lines()) {
    if (line.what.ends_with("is told")) last_told = std::max(last_told, line.at);
    if (line.what.ends_with("ends")) first_ends = std::min(first_ends, line.at);
  }
  EXPECT_EQ(trace_.count("is told"), kDaemons);
  EXPECT_EQ(trace_.count("has finished"), kDaemons);
  EXPECT_LT(last_told, first_ends);
}

// --- cancelling actors ---

TEST_F(Cancelling, an_own_child_is_gone_when_cancel_actor_returns_and_that_is_no_failure) {
  run([&] {
    ActorNursery n;
    open_nursery(n, [&] {
      auto child = n.run_in_actor("child", until_cancelled, trace_.path(), "child");
      auto other = n.run_in_actor("other", ping);
      ASSERT_TRUE(trace_.comes("child begins"));
      open_task_nursery([&](TaskNursery& tasks) {  // two at a time
        tasks.start_soon([&] { child.cancel_actor(); });
        child.cancel_actor();
      });
      EXPECT_TRUE(trace_.has("child ends"));
      expect_all_gone();
      EXPECT_TRUE(child.channel().ended);
      child.cancel_actor();  // once more
      EXPECT_TRUE(contains(thrown<RemoteCancelled>([&] { child.result(); }).what(), "child"));
      EXPECT_EQ(other.result(), "pong");
    });
    EXPECT_FALSE(n.cancelled());
  });
}

void cancel_by_name(const std::string& name) { wait_for_actor(name).cancel_actor(); }

TEST_F(Cancelling, another_actors_child_can_be_cancelled_and_its_nursery_takes_that_for_no_failure) {
  run([&] {
    ActorNursery n;
    open_nursery(n, [&] {
      auto victim = n.run_in_actor("victim", until_cancelled, trace_.path(), "victim");
      ASSERT_TRUE(trace_.comes("victim begins"));
      n.run_in_actor("canceller", cancel_by_name, "victim").result();
      const auto error = thrown<RemoteCancelled>([&] { victim.result(); });
      EXPECT_TRUE(contains(error.what(), "victim") && contains(error.what(), "canceller"));
    });
    EXPECT_FALSE(n.cancelled());
    EXPECT_TRUE(trace_.has("victim ends"));
  });
}

void define(Program& program) {
  define_work(program);
  program.module("chain").def("call_chain", call_chain).def("cancel_by_name", cancel_by_name);
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
