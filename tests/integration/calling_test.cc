// Calling functions of other actors, over real processes.
#include <ctime>

#include "harness.h"
#include "waiting.h"

namespace tractor::test {
namespace {

struct Seat {
  int row = 0;
  double price = 0;
  std::optional<std::string> reserved_for = {};
  bool operator==(const Seat&) const = default;
};
BOOST_DESCRIBE_STRUCT(Seat, (), (row, price, reserved_for))

int add(int x, int y) { return x + y; }
std::string hi() { return "Hi my name is " + current_actor().name(); }
Seat reserve(const Seat& seat, const std::string& name) {
  return {.row = seat.row, .price = seat.price / 2, .reserved_for = name};
}
std::size_t size_of(const std::string& text) { return text.size(); }
void fail_here() { throw std::runtime_error("no seats"); }
std::vector<std::string> done;
void note(const std::string& what) { done.push_back(what); }
std::vector<std::string> notes() { return done; }

// Answers when `count` calls are in flight here.
int square_when_all_are_here(int number, int count) {
  static int arrived = 0;
  static Event all_are_here;
  if (++arrived == count) all_are_here.set();
  all_are_here.wait();
  return number * number;
}

// Calls itself in the other actor, which calls it here, and so on.
int ping_pong(const std::string& other, int depth) {
  if (depth == 0) return 0;
  return 1 + find_actor(other).value().run(ping_pong, current_actor().name(), depth - 1);
}
std::vector<std::string> pass_on(const std::vector<std::string>& ring, int hops) {
  std::vector<std::string> path;
  if (hops > 0) {
    const auto here = std::find(ring.begin(), ring.end(), current_actor().name());
    path = wait_for_actor(here + 1 == ring.end() ? ring.front() : here[1]).run(pass_on, ring, hops - 1);
  }
  path.insert(path.begin(), current_actor().name());
  return path;
}

std::atomic<bool> crunching = false;
std::atomic<bool> may_end = false;
// At least that long, and until told to end; false when nobody told within 20 s.
bool crunch(double seconds) {
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::steady_clock::now() - start; };
  crunching = true;
  while (elapsed() < std::chrono::duration<double>(seconds) || (!may_end && elapsed() < 20s)) {
  }
  crunching = false;
  return may_end;
}
std::atomic<bool> told_to_stop = false;
void crunch_until_told(const std::stop_token& stop) {
  crunching = true;
  while (!stop.stop_requested()) std::this_thread::yield();
  crunching = false;
  told_to_stop = true;
}
bool was_told_to_stop() { return told_to_stop; }
bool is_crunching() { return crunching; }

bool lingering = false;
// Cleans up for so long when it is cancelled.
void linger(Clock::duration time) {
  lingering = true;
  try {
    sleep_forever();
  } catch (const Cancelled&) {
    CancelScope({.shield = true}).run([&] { tractor::sleep(time); });
    throw;
  }
}
bool is_lingering() { return lingering; }
void busy_poll() { current_actor().busy_poll(100us); }
Event end_was_called;
void let_it_end() {
  may_end = true;
  end_was_called.set();
}

void keep_a_leaf_until_called() {
  open_nursery([](ActorNursery& n) {
    Portal leaf = n.start_actor("leaf", {.modules = {"calls"}});
    end_was_called.wait();
    leaf.cancel_actor();
  });
}

void define(Program& p) {
  p.module("calls")
      .def("add", add, "x", "y")
      .def("hi", hi)
      .def("reserve", reserve, "seat", "name")
      .def("note", note, "what")
      .def("notes", notes)
      .def("square_when_all_are_here", square_when_all_are_here, "number", "count")
      .def("ping_pong", ping_pong, "other", "depth")
      .def("size_of", size_of)
      .def("fail_here", fail_here)
      .def("wait_forever", wait_forever)
      .def("pass_on", pass_on, "ring", "hops")
      .def("linger", linger)
      .def("is_lingering", is_lingering)
      .def("crunch", crunch, in_thread, "seconds")
      .def("crunch_until_told", crunch_until_told, in_thread)
      .def("was_told_to_stop", was_told_to_stop)
      .def("is_crunching", is_crunching)
      .def("busy_poll", busy_poll)
      .def("let_it_end", let_it_end)
      .def("keep_a_leaf_until_called", keep_a_leaf_until_called);
}

using Calling = RealProcesses;
const ActorOptions kDaemon{.modules = {"calls"}};

TEST_F(Calling, A01_a_daemon_serves_two_calls_in_turn_and_is_then_cancelled) {
  run([] {
    open_nursery([](ActorNursery& n) {
      Portal frank = n.start_actor("frank", kDaemon);
      EXPECT_EQ(frank.run(add, 1, 2), 3);
      EXPECT_EQ(frank.run(hi), "Hi my name is frank");
      EXPECT_FALSE(frank.channel().ended);
      frank.cancel_actor();
      EXPECT_TRUE(frank.channel().ended);
      EXPECT_TRUE(child_pids().empty());
      frank.cancel_actor();  // never an error when it has ended already
    });
  });
}

TEST_F(Calling, A01_a_cancelled_daemon_refuses_calls_and_says_why) {
  run([] {
    open_nursery([](ActorNursery& n) {
      Portal frank = n.start_actor("frank", kDaemon);
      frank.cancel_actor();
      const RemoteActorError error = remote_error([&] { return frank.run(hi); });
      EXPECT_EQ(error.kind(), ErrorKind::unavailable);
      EXPECT_TRUE(contains(error.what(), "actor \"frank\" has ended: cancelled by root"));
      EXPECT_EQ(error.origin().name, "frank");
    });
  });
}

TEST_F(Calling, who_calls_again_and_again_whatever_happens_lets_others_run) {
  run([] {
    open_nursery([](ActorNursery& n) {
      Portal frank = n.start_actor("frank", kDaemon);
      const auto call_until = [&](const bool& stop) {
        while (!stop) {
          try {
            frank.run(hi);
          } catch (...) {
          }
        }
      };
      const auto soon = [](bool& flag) {
        CancelScope({.shield = true}).run([&] { tractor::sleep(20ms); }), flag = true;
      };
      bool cancelled = false;
      CancelScope scope;
      scope.cancel();
      open_task_nursery([&](TaskNursery& t) {
        t.start_soon([&] { soon(cancelled); });
        scope.run([&] { call_until(cancelled); });
      });
      bool ended = false;
      open_task_nursery([&](TaskNursery& t) {
        t.start_soon([&] { remote_error([&] { frank.run(linger, 300ms); }); });
        EXPECT_TRUE(eventually([&] { return frank.run(is_lingering); }));
        t.start_soon([&] { frank.cancel_actor(); });
        t.start_soon([&] { tractor::sleep(100ms), soon(ended); });
        call_until(ended);
      });
    });
  });
}

TEST_F(Calling, A02_the_value_of_a_one_shot_actor_is_readable_twice_also_after_the_nursery_closed) {
  std::optional<ResultPortal<std::string>> kept;
  run([&] {
    open_nursery([&](ActorNursery& n) {
      kept = n.run_in_actor("donny", hi);
      EXPECT_EQ(kept->result(), "Hi my name is donny");
      EXPECT_EQ(kept->result(), "Hi my name is donny");
    });
    EXPECT_EQ(kept->result(), "Hi my name is donny");
  });
  EXPECT_EQ(kept->result(), "Hi my name is donny");
}

TEST_F(Calling, A02_a_one_shot_actor_returns_a_struct) {
  run([] {
    auto portal = open_nursery(
        [](ActorNursery& n) { return n.run_in_actor("clerk", reserve, Seat{.row = 7, .price = 12.5}, "gretchen"); });
    const Seat expected{.row = 7, .price = 6.25, .reserved_for = "gretchen"};
    EXPECT_EQ(portal.result(), expected);
    EXPECT_EQ(portal.result(), expected);
  });
}

TEST_F(Calling, A02_a_one_shot_actor_returns_nothing_and_result_says_that_it_is_done) {
  run([] {
    open_nursery([](ActorNursery& n) {
      auto clerk = n.run_in_actor("clerk", note, "done");
      clerk.result();
      clerk.result();
      EXPECT_EQ(clerk.run(notes), std::vector<std::string>{"done"});  // it goes on serving until the nursery closes
    });
  });
}

TEST_F(Calling, A02_the_nursery_waits_for_one_shot_actors_whose_result_nobody_reads) {
  run([] {
    open_nursery([](ActorNursery& n) {
      n.run_in_actor("one", add, 1, 2);
      n.run_in_actor("two", hi);
    });
    EXPECT_TRUE(child_pids().empty());
  });
}

TEST_F(Calling, A03_a_child_is_a_connected_peer_and_listed_while_it_lives) {
  run([] {
    const auto listed = [](const std::string& id) {
      const std::vector<ActorInfo> all = list_actors();
      return std::any_of(all.begin(), all.end(), [&](const ActorInfo& info) { return info.id == id; });
    };
    std::string id;
    open_nursery([&](ActorNursery& n) {
      Portal frank = n.start_actor("frank", {.modules = {"calls"}, .labels = {{"part", "lead"}}});
      id = frank.id();
      frank.run(hi);
      EXPECT_EQ(frank.channel().peer, (ActorRef{.name = "frank", .id = id}));
      EXPECT_EQ(frank.channel().calls_started, 1);
      EXPECT_TRUE(listed(id));
      const ActorInfo info = query_actor("frank").value();
      EXPECT_EQ(info.id, id);
      EXPECT_EQ(info.addresses, frank.channel().addresses);
      EXPECT_EQ(info.modules, std::vector<std::string>{"calls"});
      EXPECT_EQ(info.labels, (std::map<std::string, std::string>{{"part", "lead"}}));
      EXPECT_EQ(child_pids(), std::vector<pid_t>{static_cast<pid_t>(info.pid)});
      frank.cancel_actor();
      EXPECT_FALSE(listed(id));
    });
    EXPECT_FALSE(listed(id));
    EXPECT_FALSE(query_actor("frank"));
    EXPECT_TRUE(listed(current_actor().id()));  // the root itself
  });
}

TEST_F(Calling, A04_calls_to_oneself_are_local_and_look_like_others) {
  keeps_descriptors();  // a stack trace in this process opens its program, once
  run({.modules = {"calls"}}, [] {
    Portal me = find_actor(current_actor().name()).value();
    const std::string larger_than_any_message(std::size_t{80} << 20, 'x');
    EXPECT_EQ(me.run(size_of, larger_than_any_message), larger_than_any_message.size());
    EXPECT_EQ(me.run<std::string>("calls.hi"), "Hi my name is root");

    const RemoteActorError error = remote_error([&] { me.run(fail_here); });
    EXPECT_EQ(error.type_name(), "std::runtime_error");
    EXPECT_EQ(error.origin().id, current_actor().id());
    EXPECT_TRUE(error.relay_path().empty());
    EXPECT_EQ(remote_error([&] { me.run<int>("calls.nothing"); }).kind(), ErrorKind::not_found);

    EXPECT_TRUE(move_on_after(50ms, [&] { me.run(wait_forever); }).cancelled_caught());
    EXPECT_EQ(ended_by_cancel, 1);
    EXPECT_EQ(me.channel().calls_in_flight, 0);
  });
}

TEST_F(Calling, A03_a_grandchild_is_listed_while_it_lives_and_can_be_called) {
  run([] {
    open_nursery([](ActorNursery& n) {
      auto branch = n.run_in_actor("branch", keep_a_leaf_until_called);
      EXPECT_EQ(wait_for_actor("leaf").run(hi), "Hi my name is leaf");
      EXPECT_EQ(query_actor("leaf")->modules, std::vector<std::string>{"calls"});
      branch.run(let_it_end);
      branch.result();
      EXPECT_FALSE(query_actor("leaf"));
    });
  });
}

TEST_F(Calling, A04_the_same_function_runs_in_parent_and_child_with_no_special_case) {
  run([] {
    open_nursery([](ActorNursery& n) {
      Portal frank = n.start_actor("frank", kDaemon);
      EXPECT_EQ(add(1, 2), frank.run(add, 1, 2));
      EXPECT_EQ(hi(), "Hi my name is root");
      EXPECT_EQ(frank.run(hi), "Hi my name is frank");
      EXPECT_EQ(frank.run<std::string>("calls.hi"), "Hi my name is frank");
      frank.cancel_actor();
    });
  });
}

TEST_F(Calling, A08_a_thousand_calls_in_flight_to_one_actor_return_their_own_answers) {
  static constexpr int kCalls = 1000;
  run([] {
    open_nursery([](ActorNursery& n) {
      Portal frank = n.start_actor("frank", kDaemon);
      std::vector<int> answers(kCalls);
      open_task_nursery([&](TaskNursery& t) {
        for (int i = 0; i < kCalls; ++i)
          t.start_soon([&, i] { answers[i] = frank.run(square_when_all_are_here, i, kCalls); });
      });
      for (int i = 0; i < kCalls; ++i) EXPECT_EQ(answers[i], i * i);
      EXPECT_EQ(frank.channel().calls_in_flight, 0);
      frank.cancel_actor();
    });
  });
}

TEST_F(Calling, A09_an_actor_calls_its_caller_back_while_serving_it) {
  run({.modules = {"calls"}}, [] {
    open_nursery([](ActorNursery& n) {
      Portal frank = n.start_actor("frank", kDaemon);
      EXPECT_EQ(frank.run(ping_pong, "root", 20), 20);
      frank.cancel_actor();
    });
  });
}

TEST_F(Calling, A09_a_ring_of_three_actors_calling_each_other_does_not_deadlock) {
  run([] {
    const std::vector<std::string> ring = {"a", "b", "c"};
    open_nursery([&](ActorNursery& n) {
      auto a = n.run_in_actor("a", pass_on, ring, 10);
      auto b = n.run_in_actor("b", pass_on, ring, 10);
      auto c = n.run_in_actor("c", pass_on, ring, 10);
      EXPECT_EQ(a.result(), (std::vector<std::string>{"a", "b", "c", "a", "b", "c", "a", "b", "c", "a", "b"}));
      EXPECT_EQ(b.result().back(), "c");
      EXPECT_EQ(c.result().back(), "a");
    });
  });
}

TEST_F(Calling, A11_an_actor_answers_other_calls_while_a_function_computes_in_a_thread) {
  run([] {
    open_nursery([](ActorNursery& n) {
      Portal frank = n.start_actor("frank", kDaemon);
      open_task_nursery([&](TaskNursery& t) {
        t.start_soon([&] { EXPECT_TRUE(frank.run(crunch, 3.0)) << "nothing else was answered"; });
        EXPECT_TRUE(eventually([&] { return frank.run(is_crunching); }));
        for (int i = 0; i < 50; ++i) EXPECT_EQ(frank.run(add, i, 1), i + 1);
        EXPECT_TRUE(frank.run(is_crunching));
        frank.run(let_it_end);
      });
      frank.cancel_actor();
    });
  });
}

TEST_F(Calling, a_function_in_a_thread_is_told_by_its_stop_token_that_its_call_is_cancelled) {
  run([] {
    open_nursery([](ActorNursery& n) {
      Portal frank = n.start_actor("frank", kDaemon);
      CancelScope scope;
      open_task_nursery([&](TaskNursery& t) {
        t.start_soon([&] { scope.run([&] { frank.run(crunch_until_told); }); });
        EXPECT_TRUE(eventually([&] { return frank.run(is_crunching); }));
        scope.cancel();
      });
      EXPECT_TRUE(scope.cancelled_caught());
      EXPECT_TRUE(frank.run(was_told_to_stop));
      frank.cancel_actor();
    });
  });
}

TEST_F(Calling, actors_that_poll_busily_answer_keep_their_timers_and_sleep_when_nothing_comes) {
  run([] {
    EXPECT_THROW(current_actor().busy_poll(-1us), UsageError);
    busy_poll();
    open_nursery([](ActorNursery& n) {
      Portal frank = n.start_actor("frank", {.modules = {"calls"}});
      frank.run(busy_poll);
      for (int i = 0; i < 100; ++i) ASSERT_EQ(frank.run(add, i, 1), i + 1);
      EXPECT_EQ(to_thread([] { return 5; }), 5);
      EXPECT_TRUE(move_on_after(10ms, [] { sleep_forever(); }).cancelled_caught());

      const std::clock_t before = std::clock();
      sleep(500ms);
      EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 4) << "an idle loop keeps a core busy";
      frank.cancel_actor();
    });
  });
}

TEST_F(Calling, two_children_may_have_one_name) {
  run([] {
    open_nursery([](ActorNursery& n) {
      Portal first = n.start_actor("frank", kDaemon);
      Portal second = n.start_actor("frank", kDaemon);
      EXPECT_NE(first.id(), second.id());
      first.run(note, "first");
      second.run(note, "second");
      EXPECT_EQ(first.run(notes), std::vector<std::string>{"first"});
      EXPECT_EQ(second.run(notes), std::vector<std::string>{"second"});
      n.cancel();
    });
  });
}

TEST_F(Calling, a_child_starts_with_the_statespace_it_was_given) {
  run([] {
    open_nursery([](ActorNursery& n) {
      Portal frank = n.start_actor("frank", {.modules = {"state"}, .statespace = {{"doggy", 10}, {"kitty", "meow"}}});
      EXPECT_EQ(frank.run<int>("state.get", "doggy"), 10);
      EXPECT_EQ(frank.run<std::string>("state.get", "kitty"), "meow");
      frank.run("state.set", {{"name", "doggy"}, {"value", 11}});
      EXPECT_EQ(frank.run("state.get", "doggy"), Value(11));
      EXPECT_TRUE(current_actor().statespace().empty());
      frank.cancel_actor();
    });
  });
}

void define_all(Program& p) {
  define(p);
  p.module("state")
      .def(
          "get", [](const std::string& name) { return current_actor().statespace()[name]; }, "name")
      .def(
          "set", [](const std::string& name, Value value) { current_actor().statespace()[name] = std::move(value); },
          "name", "value");
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define_all)
