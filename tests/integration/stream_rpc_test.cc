// Generators and dialogs by the RPC Stream. What Python and Node do in the same way is in tests/interop.
#include "raw_stream.h"
#include "streamers.h"

namespace tractor::test {
namespace {

// --- the actors' functions: module "raw" ---

constexpr int kEndless = 1'000'000'000;
int counted = 0;  // by the call that began last
void count(Yield<int>& yield, const std::string& trace, int items) {
  const NoteAtEnd ends(trace, "count ends");
  note(trace, "count begins");
  counted = 0;
  for (int i = 0; i < items; ++i) {
    yield(i);
    ++counted;
  }
}
int how_many_counted() { return counted; }
int megabytes_yielded = 0;
void megabytes(Yield<std::string>& yield, const std::string& trace) {
  const NoteAtEnd ends(trace, "megabytes ends");
  for (megabytes_yielded = 0;; ++megabytes_yielded) yield(std::string(std::size_t{1} << 20, 'm'));
}
int how_many_megabytes() { return megabytes_yielded; }
std::string tell() { return "told"; }

void echo(Context<int, int>& caller) {
  for (const int number : caller) caller.send(number);
}
// Receives nothing before it may.
Event may_take;
void let_take() { may_take.set(); }
int take_when_told(Context<std::string, int>& caller) {
  may_take.wait();
  int taken = 0;
  while (caller.next()) ++taken;
  return taken;
}
// Sends all it has before it listens, and says what it heard.
std::string says_first(Context<std::string, int>& caller, int items) {
  for (int i = 0; i < items; ++i) caller.send(i);
  caller.close_send();
  std::string heard;
  for (const std::string& text : caller) heard += text;
  return heard;
}
// Hears its caller out and waits until it is cancelled.
void hold(Context<int, int>& caller, const std::string& trace) {
  const NoteAtEnd ends(trace, "hold ends");
  caller.started();
  while (caller.next()) {
  }
  note(trace, "hold hears no more");
  sleep_forever();
}

void push_from_tasks(Context<int, int>& caller, int tasks, int items) {
  open_task_nursery([&](TaskNursery& t) {
    for (int task = 0; task < tasks; ++task) {
      t.start_soon([&caller, task, items] {
        for (int i = 0; i < items; ++i) {
          caller.send(task * items + i);
          checkpoint();
        }
      });
    }
  });
}
// Each its own number, and nothing else.
void push_forever_from_tasks(Context<int, int>& caller, int tasks) {
  open_task_nursery([&](TaskNursery& t) {
    for (int task = 0; task < tasks; ++task) {
      t.start_soon([&caller, task] {
        while (true) caller.send(task);
      });
    }
  });
}

void count_of_two(Yield<int>& yield, const std::string& trace, int items) {
  open_nursery([&](ActorNursery& n) {
    Portal first = n.start_actor("first", {.modules = {"raw"}});
    Portal second = n.start_actor("second", {.modules = {"raw"}});
    for (const int i : merge(first.run(count, trace, items), second.run(count, trace, items))) yield(i);
    n.cancel();
  });
}

// See time_left() in work.h.
void yield_time_left(Yield<std::int64_t>& yield, int below) {
  for (const std::int64_t left : time_left(below)) yield(left);
}
// Calls on, each actor one that it starts, and the last one waits.
void call_on(const std::string& trace, const std::string& who, int below) {
  const NoteAtEnd ends(trace, who + " ends");
  note(trace, who + " begins");
  if (below == 0) sleep_forever();
  open_nursery([&](ActorNursery& n) {
    n.start_actor(who + ".1", {.modules = {"raw"}}).run(call_on, trace, who + ".1", below - 1);
  });
}
void yield_after_calling_on(Yield<int>& yield, const std::string& trace, int below) {
  call_on(trace, "a", below);
  yield(1);
}

void define(Program& p) {
  define_work(p);
  p.module("raw")
      .def("count", count, "trace", "items")
      .def("how_many_counted", how_many_counted)
      .def("megabytes", megabytes, "trace")
      .def("how_many_megabytes", how_many_megabytes)
      .def("tell", tell)
      .def("echo", echo)
      .def("let_take", let_take)
      .def("take_when_told", take_when_told)
      .def("says_first", says_first, "items")
      .def("misuse", misuse)
      .def("hold", hold, "trace")
      .def("shielded_end", shielded_end, "trace")
      .def("push_from_tasks", push_from_tasks, "tasks", "items")
      .def("push_forever_from_tasks", push_forever_from_tasks, "tasks")
      .def("count_of_two", count_of_two, "trace", "items")
      .def("yield_time_left", yield_time_left, "below")
      .def("call_on", call_on)
      .def("yield_after_calling_on", yield_after_calling_on, "trace", "below");
}

// The value of a counter once it has not grown for 200 ms; more than `limit` when it grows beyond that.
int settled(int limit, const std::function<int()>& counter) {
  int value = counter();
  std::chrono::nanoseconds since = monotonic_now();
  EXPECT_TRUE(eventually(
      [&] {
        if (const int now = counter(); now != value) {
          value = now;
          since = monotonic_now();
        }
        return value > limit || monotonic_now() - since > 200ms;
      },
      within(5s)))
      << "it goes on growing";
  return value;
}
// What may be on its way when nobody takes it: what an actor reads ahead, and the transport's windows.
constexpr int kMostMegabytes = 40;

class RawStreams : public TracedProcesses {
 protected:
  // With an actor, which serves until the body has ended, and a client of it. The body runs on a thread of its own, so
  // that it may block.
  void with_server(const std::function<void(RawClient&)>& body) {
    with_daemon({.modules = {"raw"}}, [&](Portal& frank) {
      const std::string address = frank.channel().address;
      to_thread([&] {
        RawClient client(address);
        body(client);
        EXPECT_EQ(client.invoke("tell").string_value(), "told");  // the connection is usable
      });
    });
  }
};

// --- back-pressure ---

TEST_F(RawStreams, A14_a_function_that_does_not_receive_holds_its_caller_back_and_nothing_is_lost) {
  with_server([](RawClient& client) {
    RawStream stream(client, request_for("take_when_told"));
    Flood flood(stream);
    ASSERT_TRUE(eventually([&] { return flood.sent() > 0; }));
    const int held_back_at = settled(kMostMegabytes, [&] { return flood.sent(); });
    EXPECT_LE(held_back_at, kMostMegabytes);
    client.invoke("let_take");
    EXPECT_TRUE(eventually([&] { return flood.sent() > held_back_at + kMostMegabytes; }));
    const int sent = flood.stop();
    stream.close_send();
    const Outcome outcome = stream.outcome();
    EXPECT_TRUE(outcome.status.ok()) << outcome.status.error_message();
    EXPECT_EQ(outcome.result.int64_value(), sent);
  });
}

TEST_F(RawStreams, A15_stalled_streams_delay_neither_calls_nor_other_streams_of_the_same_connection) {
  with_server([&](RawClient& client) {
    // One has no room for more, of one nobody reads the items, of one nobody receives them.
    RawStream without_room(client, with_room(request_for("count", trace_.path(), kEndless), 3));
    RawStream unread(client, request_for("megabytes", trace_.path()));
    RawStream unreceived(client, request_for("take_when_told"));
    Flood flood(unreceived);
    EXPECT_TRUE(eventually([&] { return client.invoke("how_many_counted").int64_value() == 3; }));
    EXPECT_LE(
        settled(kMostMegabytes, [&] { return static_cast<int>(client.invoke("how_many_megabytes").int64_value()); }),
        kMostMegabytes);
    EXPECT_LE(settled(kMostMegabytes, [&] { return flood.sent(); }), kMostMegabytes);

    EXPECT_EQ(client.invoke("tell").string_value(), "told");
    RawStream dialog(client, request_for("echo"));
    for (int i = 0; i < 100; ++i) {
      dialog.send(i);
      ASSERT_EQ(dialog.number(), i);
    }
    const Outcome other = RawStream(client, request_for("count", trace_.path(), 5'000)).outcome();
    EXPECT_TRUE(other.status.ok()) << other.status.error_message();
    EXPECT_EQ(other.items.size(), 5'000U);

    // They have not ended meanwhile: each goes on where it was.
    EXPECT_EQ(unread.item().string_value().size(), std::size_t{1} << 20);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(without_room.number(), i);
    without_room.grant(2);
    for (int i = 3; i < 5; ++i) EXPECT_EQ(without_room.number(), i);
    client.invoke("let_take");
    const int sent = flood.stop();
    unreceived.close_send();
    EXPECT_EQ(unreceived.outcome().result.int64_value(), sent);
  });
}

// --- ending ---

TEST_F(RawStreams, A16_the_function_may_end_sending_first_and_still_receives) {
  with_server([](RawClient& client) {
    RawStream stream(client, request_for("says_first", 3));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(stream.number(), i);
    const std::optional<v1::StreamResponse> closing = stream.next();
    EXPECT_TRUE(closing && closing->has_close_send());
    stream.send(std::string("still "));
    stream.send(std::string("here"));
    stream.half_close();
    const Outcome outcome = stream.outcome();
    EXPECT_TRUE(outcome.items.empty());
    EXPECT_EQ(outcome.result.string_value(), "still here");
  });
}

TEST_F(RawStreams, A16_a_caller_that_has_ended_sending_may_still_grant_room) {
  with_server([&](RawClient& client) {
    RawStream stream(client, with_room(request_for("count", trace_.path(), 100), 1));
    stream.close_send();
    for (int i = 0; i < 100; ++i) {
      ASSERT_EQ(stream.number(), i);
      stream.grant(1);
    }
    EXPECT_TRUE(stream.outcome().status.ok());
  });
}

TEST_F(RawStreams, A17_misuse_is_told_to_the_function) {
  with_server([](RawClient& client) {
    for (const bool half_close : {false, true}) {
      RawStream stream(client, request_for("misuse"));
      const std::optional<v1::StreamResponse> start = stream.next();
      ASSERT_TRUE(start && start->has_started());
      EXPECT_EQ(start->started().value().int64_value(), 1);
      if (half_close) {
        stream.half_close();
      } else {
        stream.close_send();
      }
      const Outcome outcome = stream.outcome();
      EXPECT_TRUE(outcome.items.empty());
      const std::string& said = outcome.result.string_value();
      EXPECT_TRUE(contains(said, "started() was called before"));
      EXPECT_TRUE(contains(said, "nothing can be sent after close_send()"));
      EXPECT_TRUE(contains(said, "the other side of this dialog sends no more"));
    }
  });
}

// After a half close there is nothing that gRPC would send.
TEST_F(RawStreams, A17_an_item_after_close_send_ends_the_call_and_the_caller_is_told) {
  with_server([&](RawClient& client) {
    RawStream stream(client, request_for("hold", trace_.path()));
    stream.send(1);
    stream.close_send();
    ASSERT_TRUE(trace_.comes("hold hears no more"));
    stream.send(2);
    const grpc::Status status = stream.outcome().status;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_TRUE(contains(status.error_message(), "an item after close_send"));
    EXPECT_TRUE(trace_.has("hold ends"));
  });
}

TEST_F(RawStreams, A17_opening_a_call_twice_ends_it_and_the_caller_is_told) {
  with_server([&](RawClient& client) {
    RawStream stream(client, request_for("hold", trace_.path()));
    stream.open(request_for("hold", trace_.path()));
    const grpc::Status status = stream.outcome().status;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_TRUE(contains(status.error_message(), "opened twice"));
    EXPECT_EQ(trace_.count("hold ends"), 1);
  });
}

// --- several at work ---

TEST_F(RawStreams, A18_two_streams_feed_one_that_feeds_the_client) {
  with_server([&](RawClient& client) {
    const Outcome outcome = RawStream(client, request_for("count_of_two", trace_.path(), 1'000)).outcome();
    EXPECT_TRUE(outcome.status.ok()) << outcome.status.error_message();
    std::multiset<std::int64_t> all;
    for (const v1::Value& item : outcome.items) all.insert(item.int64_value());
    EXPECT_EQ(all.size(), 2'000U);
    EXPECT_EQ(std::set<std::int64_t>(all.begin(), all.end()).size(), 1'000U);
    EXPECT_EQ(all.count(500), 2U);
  });
}

TEST_F(RawStreams, A18_cancelled_half_way_nothing_is_left_over) {
  with_server([&](RawClient& client) {
    RawStream stream(client, request_for("count_of_two", trace_.path(), kEndless));
    for (int i = 0; i < 1'000; ++i) stream.item();
    stream.cancel();
    EXPECT_EQ(stream.outcome().status.error_code(), grpc::StatusCode::CANCELLED);
    EXPECT_TRUE(eventually([&] { return trace_.count("count ends") == 2; }, within(1s))) << trace_.text();
    const std::set<pid_t> sources = trace_.pids();
    EXPECT_EQ(sources.size(), 2U);
    EXPECT_TRUE(eventually([&] { return std::none_of(sources.begin(), sources.end(), process_exists); }, within(2s)));
  });
}

TEST_F(RawStreams, A20_several_tasks_of_one_call_push_items_and_take_turns) {
  static constexpr int kTasks = 8;
  static constexpr int kItems = 200;
  with_server([](RawClient& client) {
    for (const int room : {0, 16}) {
      const v1::InvokeRequest request = request_for("push_from_tasks", kTasks, kItems);
      RawStream stream(client, room > 0 ? with_room(request, 16) : request);
      std::vector<std::int64_t> pushed(kTasks);
      for (int i = 1; i <= kTasks * kItems; ++i) {
        const std::int64_t item = stream.number();
        ASSERT_EQ(item % kItems, pushed.at(static_cast<std::size_t>(item / kItems))++);  // each task's own in order
        if (pushed.back() == 1) {
          EXPECT_LT(pushed.front(), kItems / 2);  // when the last one begins
        }
        if (room > 0 && i % room == 0) stream.grant(16);
      }
      const Outcome outcome = stream.outcome();
      EXPECT_TRUE(outcome.status.ok()) << outcome.status.error_message();
      EXPECT_TRUE(outcome.items.empty());
    }
  });
}

// A task that does nothing but send keeps its place in front of those that waited before it.
TEST_F(RawStreams, A20_a_task_that_only_pushes_leaves_others_of_its_call_their_share) {
  static constexpr std::size_t kTasks = 4;
  static constexpr int kShare = 1'000;
  with_server([](RawClient& client) {
    RawStream stream(client, request_for("push_forever_from_tasks", kTasks));
    std::vector<int> pushed(kTasks);
    for (std::size_t i = 0; i < kTasks * kShare; ++i) ++pushed.at(static_cast<std::size_t>(stream.number()));
    for (const int items : pushed) EXPECT_GE(items, kShare / 2) << testing::PrintToString(pushed);
  });
}

// --- cancelling ---

TEST_F(RawStreams, A27_a_deadline_ends_an_endless_generator) {
  with_server([&](RawClient& client) {
    // On a busy machine it may not have begun in time: then with more of it.
    std::size_t items = 0;
    for (std::chrono::milliseconds timeout = 300ms; items == 0; timeout *= 2) {
      const Outcome outcome =
          RawStream(client, request_for("count", trace_.path(), kEndless), after(timeout)).outcome();
      EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
      items = outcome.items.size();
    }
    EXPECT_TRUE(eventually([&] { return trace_.count("begins") == trace_.count("ends"); }, within(1s)));
    EXPECT_TRUE(trace_.has("count ends"));
  });
}

TEST_F(RawStreams, A29_a_stream_that_is_cancelled_by_its_id_ends_after_the_remote_destructors_ran) {
  with_server([&](RawClient& client) {
    RawStream stream(client, with_id(request_for("hold", trace_.path()), "a call"));
    const std::optional<v1::StreamResponse> start = stream.next();
    ASSERT_TRUE(start && start->has_started());
    EXPECT_TRUE(client.cancel("a call"));
    EXPECT_EQ(stream.outcome().status.error_code(), grpc::StatusCode::CANCELLED);
    EXPECT_TRUE(trace_.has("hold ends"));
    EXPECT_FALSE(client.cancel("a call"));
  });
}

TEST_F(RawStreams, A30_a_generator_that_shields_its_end_is_waited_for) {
  with_server([&](RawClient& client) {
    RawStream stream(client, with_id(request_for("shielded_end", trace_.path()), "a call"));
    EXPECT_EQ(stream.number(), 1);
    EXPECT_TRUE(client.cancel("a call"));
    EXPECT_EQ(stream.outcome().status.error_code(), grpc::StatusCode::CANCELLED);
    EXPECT_TRUE(trace_.has("generator ends"));
    const std::optional<Trace::Line> told = trace_.find("generator is told");
    ASSERT_TRUE(told) << trace_.text();
    EXPECT_GE(monotonic_now() - told->at, 200ms);
  });
}

TEST_F(RawStreams, A31_a_deadline_reaches_three_processes_down_with_less_left_at_every_hop) {
  with_server([](RawClient& client) {
    // That of the RPC and the one in the request both bind.
    const std::chrono::nanoseconds shorter = within(10s);
    const std::chrono::nanoseconds longer = within(20s);
    const auto left = [&](const v1::InvokeRequest& request, std::chrono::nanoseconds deadline) {
      std::vector<std::int64_t> all;
      const Outcome outcome = RawStream(client, request, after(deadline)).outcome();
      EXPECT_TRUE(outcome.status.ok()) << outcome.status.error_message();
      for (const v1::Value& item : outcome.items) all.push_back(item.int64_value());
      return all;
    };
    const v1::InvokeRequest request = request_for("yield_time_left", 2);
    for (const std::vector<std::int64_t>& hops : {left(request, shorter), left(with_timeout(request, shorter), longer),
                                                  left(with_timeout(request, longer), shorter)}) {
      ASSERT_EQ(hops.size(), 3U);
      const auto most = std::chrono::nanoseconds(shorter + 100ms).count();  // gRPC sends tenths of a second, rounded up
      EXPECT_LT(hops[0], most);
      EXPECT_LT(hops[1], hops[0]);
      EXPECT_LT(hops[2], hops[1]);
      EXPECT_GT(hops[2], 0);
    }
  });
}

TEST_F(RawStreams, A31_a_deadline_that_passes_ends_the_work_three_processes_down_before_the_stream_ends) {
  with_server([&](RawClient& client) {
    // On a busy machine the last one may not have begun in time: then with more of it.
    for (std::chrono::milliseconds timeout = 500ms; !trace_.has("a.1.1 begins"); timeout *= 2) {
      const v1::InvokeRequest request = request_for("yield_after_calling_on", trace_.path(), 2);
      const Outcome outcome = RawStream(client, with_timeout(request, timeout), after(timeout + within(10s))).outcome();
      EXPECT_EQ(outcome.status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
      EXPECT_TRUE(contains(outcome.status.error_message(), "raw.yield_after_calling_on: the caller's deadline passed"));
      EXPECT_TRUE(outcome.items.empty());
      EXPECT_EQ(trace_.count("begins"), trace_.count("ends")) << trace_.text();
    }
    EXPECT_TRUE(trace_.has("a.1.1 ends")) << trace_.text();
  });
}

// --- a client dies ---

// Calls a function of the actor at an address, with a trace, by Stream; after the first response it "reads" on, or does
// not.
TRACTOR_SCENARIO(raw_client) {
  RawClient client(arguments.at(0));
  RawStream stream(client, request_for(arguments.at(1), arguments.at(2)), after(60s));
  if (!stream.next()) return 1;
  std::cout << "streams" << std::endl;
  while (arguments.at(3) == "reads" && stream.next()) {
  }
  std::this_thread::sleep_for(60s);  // it is killed long before
  return 0;
}

TEST_F(RawStreams, A38_killing_the_client_ends_the_function_whether_it_reads_or_not) {
  for (const auto& [function, how] : std::vector<std::pair<std::string, std::string>>{
           {"megabytes", "reads"}, {"megabytes", "stalls"}, {"hold", "reads"}}) {
    with_daemon({.modules = {"raw"}}, [&, &function = function, &how = how](Portal& frank) {
      const std::string end = function + " ends";
      const long ended = trace_.count(end);
      Process client = Process::as("raw_client", {frank.channel().address, function, trace_.path(), how});
      ASSERT_TRUE(client.prints("streams")) << client.err();
      ASSERT_EQ(trace_.count(end), ended);
      client.signal(SIGKILL);
      EXPECT_TRUE(eventually([&] { return trace_.count(end) == ended + 1; }, within(1s))) << function << ' ' << how;
      EXPECT_EQ(frank.run(tell), "told");
    });
  }
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
