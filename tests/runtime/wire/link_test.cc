// Both ends of a link, as a protocol, on virtual time: what carries their messages is a task here.
#include "runtime/wire/link.h"

#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

#include "runtime/wire/link_items.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

constexpr Clock::duration kPatience = 500ms;

struct Handler final : CallHandler {
  const ActorRef& self() const override { return actor; }
  Value invoke(Invocation invocation, ServedCall& call) override {
    ++invoked;
    call.scope.set_deadline(invocation.deadline);
    Value value;
    call.scope.run([&] { value = run(std::move(invocation)); });
    if (call.scope.cancelled_caught()) throw CallError(ErrorKind::cancelled, "cancelled by " + call.cancelled_by.name);
    return value;
  }
  ActorDescription describe() const override { return {}; }
  bool cancel_call(const std::string&, const ActorRef&, const std::string&) override { return false; }
  void cancel_actor(Clock::duration, const ActorRef&, const std::string&) override {}

  ActorRef actor = {.name = "donny", .id = "d0"};
  std::function<Value(Invocation)> run = [](Invocation i) { return i.arguments.positional.at(0); };
  int invoked = 0;
};

struct Carrier final : LinkEnd::Carrier {
  explicit Carrier(Condition& c) : wanted(c) {}
  void write_soon() override { wanted.notify(); }
  bool writing() const override { return is_writing; }
  Condition& wanted;
  bool is_writing = false;
};

// Two ends, and a task that carries messages between them until the test's body has ended.
struct Ends {
  explicit Ends(TaskNursery& t) : tasks(t) {
    t.start_soon([this] {
      while (true) {
        wanted.wait_until("a message",
                          [this] { return (from_caller && caller.has_message()) || server.has_message(); });
        if (from_caller && caller.has_message()) server.receive(caller.take_message());
        if (server.has_message()) caller.receive(server.take_message());
        ++rounds;
        yield_now();
      }
    });
  }
  CallOutcome call(Value argument) {
    return caller.call({.function = "m.f", .arguments = {.positional = {std::move(argument)}}}, kPatience);
  }

  TaskNursery& tasks;
  Condition wanted;
  Carrier carrier{wanted};
  Handler handler;
  bool from_caller = true;  // whether its messages arrive
  int rounds = 0;
  CallingEnd caller{carrier, {.name = "gretchen", .id = "90"}};
  ServingEnd server{carrier, handler, tasks};
};

void with_ends(const std::function<void(Ends&)>& body) {
  run_virtual([&] {
    std::optional<Ends> ends;
    open_task_nursery([&](TaskNursery& t) {
      ends.emplace(t);
      body(*ends);
      t.cancel_scope().cancel();
    });
  });
}

std::string refusal(LinkEnd& end, std::string_view message) {
  try {
    end.receive(message);
  } catch (const LinkError& e) {
    return e.what();
  }
  return "";
}
std::string message_of(std::vector<std::string> frames) {
  std::string message;
  for (const std::string& frame : frames) append_frame(message, frame);
  return message;
}
const std::string kHello(FrameWriter().hello({}));
std::string cancel_of(std::uint64_t call) { return std::string(FrameWriter().cancel(call, "")); }
std::string value_of(std::uint64_t call) { return std::string(FrameWriter().value(call, "f", 1)); }
std::string open_of(std::uint64_t call) {
  return std::string(FrameWriter().open(call, {.function = "m.f", .arguments = {.positional = {1}}}));
}

TEST(Link, a_call_is_answered) {
  with_ends([](Ends& ends) {
    const CallOutcome outcome = ends.call("hi");
    EXPECT_EQ(outcome.value, Value("hi"));
    EXPECT_TRUE(outcome.answered);
    EXPECT_EQ(ends.server.other().name, "gretchen");
    EXPECT_EQ(ends.caller.other().name, "donny");
  });
}

TEST(Link, many_calls_at_once_get_their_own_answers_in_few_messages) {
  with_ends([](Ends& ends) {
    ends.handler.run = [](Invocation i) {
      checkpoint();
      return i.arguments.positional.at(0);
    };
    int right = 0;
    open_task_nursery([&](TaskNursery& t) {
      for (int i = 0; i < 1000; ++i) {
        t.start_soon([&, i] { right += ends.call(i).value == Value(i) ? 1 : 0; });
      }
    });
    EXPECT_EQ(right, 1000);
    EXPECT_LT(ends.rounds, 20);
  });
}

TEST(Link, large_arguments_and_results_travel_beside_small_ones) {
  with_ends([](Ends& ends) {
    const Value large(std::string(std::size_t{5} << 20, 'x'));
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] { EXPECT_EQ(ends.call(large).value, large); });
      t.start_soon([&] {
        EXPECT_EQ(ends.call(1).value, Value(1));
        EXPECT_LT(ends.rounds, 5);
      });
    });
    EXPECT_GT(ends.rounds, 20);
  });
}

TEST(Link, an_error_is_answered) {
  with_ends([](Ends& ends) {
    ends.handler.run = [](const Invocation&) -> Value { throw std::runtime_error("out of popcorn"); };
    const CallOutcome outcome = ends.call(1);
    EXPECT_FALSE(outcome.value);
    EXPECT_TRUE(outcome.answered);
    EXPECT_EQ(outcome.error.message, "out of popcorn");
    EXPECT_EQ(outcome.error.origin.name, "donny");
  });
}

TEST(Link, arguments_that_cannot_travel_send_nothing) {
  with_ends([](Ends& ends) {
    EXPECT_THROW(ends.caller.call({.function = "m.f", .arguments = {.named = {{"\xff", 1}}}}, kPatience), CallError);
    EXPECT_EQ(ends.call(1).value, Value(1));
    EXPECT_EQ(ends.handler.invoked, 1);
  });
}

TEST(Link, a_cancelled_call_ends_when_the_other_side_has_ended_it) {
  with_ends([](Ends& ends) {
    ends.handler.run = [](const Invocation&) -> Value {
      CancelScope shield({.shield = true});
      shield.run([] { sleep(2s); });
      checkpoint();
      return nullptr;
    };
    const Clock::time_point begin = Clock::now();
    CallOutcome outcome;
    move_on_after(1s, [&] { outcome = ends.call(1); });
    EXPECT_EQ(Clock::now() - begin, 2s);
    EXPECT_TRUE(outcome.cancelled);
    EXPECT_TRUE(outcome.answered);
    EXPECT_FALSE(outcome.given_up);
    EXPECT_EQ(outcome.error.message, "cancelled by gretchen");
  });
}

TEST(Link, a_cancel_that_nobody_acknowledges_is_given_up_and_a_late_answer_ignored) {
  with_ends([](Ends& ends) {
    EXPECT_EQ(ends.call(1).value, Value(1));
    ends.from_caller = false;
    const Clock::time_point begin = Clock::now();
    CallOutcome outcome;
    move_on_after(1s, [&] { outcome = ends.call(2); });
    EXPECT_EQ(Clock::now() - begin, 1s + kPatience);
    EXPECT_TRUE(outcome.given_up);
    ends.from_caller = true;
    EXPECT_EQ(ends.call(3).value, Value(3));
    EXPECT_EQ(ends.handler.invoked, 3);
  });
}

TEST(Link, the_time_left_travels_along) {
  with_ends([](Ends& ends) {
    ends.handler.run = [](const Invocation& i) -> Value { return (i.deadline - Clock::now()).count(); };
    const CallOutcome outcome = ends.caller.call({.function = "m.f", .timeout = 3s}, kPatience);
    EXPECT_EQ(outcome.value, Value(std::chrono::nanoseconds(3s).count()));
  });
}

TEST(Link, a_call_for_another_actor_is_refused) {
  with_ends([](Ends& ends) {
    const CallOutcome outcome = ends.caller.call({.function = "m.f", .target_actor_id = "dead"}, kPatience);
    EXPECT_EQ(outcome.error.kind, ErrorKind::not_found);
    EXPECT_EQ(ends.handler.invoked, 0);
  });
}

TEST(Link, when_it_breaks_each_call_tells_whether_it_may_have_been_carried_out) {
  with_ends([](Ends& ends) {
    ends.handler.run = [](const Invocation&) -> Value { sleep_forever(); };
    CallOutcome arrived;
    CallOutcome waiting;
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] { arrived = ends.call(1); });
      sleep(1s);
      ends.from_caller = false;
      t.start_soon([&] { waiting = ends.call(2); });
      sleep(1s);
      ends.caller.break_off({.message = "gone", .kind = ErrorKind::unavailable});
    });
    EXPECT_EQ(arrived.error.executed, Executed::maybe);
    EXPECT_EQ(waiting.error.executed, Executed::no);
    EXPECT_EQ(waiting.error.message, "gone");
    EXPECT_FALSE(waiting.answered);
    EXPECT_EQ(ends.call(3).error.executed, Executed::no);
  });
}

TEST(Link, who_has_something_to_send_waits_for_room) {
  with_ends([](Ends& ends) {
    ends.from_caller = false;
    const Value large(std::string(LinkEnd::kMaxQueued, 'x'));
    int opened = 0;
    open_task_nursery([&](TaskNursery& t) {
      for (int i = 0; i < 3; ++i) {
        t.start_soon([&] {
          ends.call(large);
          ++opened;
        });
      }
      sleep(1s);
      EXPECT_TRUE(ends.caller.has_message());
      ends.from_caller = true;
      ends.wanted.notify();
    });
    EXPECT_EQ(opened, 3);
    EXPECT_EQ(ends.handler.invoked, 3);
  });
}

TEST(Link, calls_after_the_actors_end_are_told_so) {
  with_ends([](Ends& ends) {
    ends.call(1);
    ends.server.close();
    EXPECT_EQ(ends.call(2).error.kind, ErrorKind::unavailable);
  });
}

TEST(Link, frames_of_calls_that_have_ended_are_ignored) {
  with_ends([](Ends& ends) {
    ends.call(1);
    EXPECT_EQ(refusal(ends.caller, message_of({value_of(1)})), "");
    EXPECT_EQ(refusal(ends.server, message_of({cancel_of(1)})), "");
    EXPECT_EQ(ends.call(2).value, Value(2));
  });
}

// --- items ---

constexpr ItemRoom kLargeRoom{.items = 1'000'000, .bytes = 1'000'000'000};

// Opens a call with room for items, gives it to `body`, and waits for its end.
void with_items(Ends& ends, ItemRoom room, const std::function<void(OutgoingCall&)>& body) {
  const CallRequest request{.function = "m.f", .arguments = {.positional = {1}}, .item_room = room};
  OutgoingCall call(ends.caller, request, kPatience);
  body(call);
  call.cancel("");
  call.wait_or_cancel();
}
// A function that yields the integers below `count`, and counts them.
auto counting(int& yielded, int count) {
  return [&yielded, count](Invocation i) {
    for (yielded = 0; yielded < count; ++yielded) i.stream->send(yielded);
    return Value("done");
  };
}

TEST(LinkItems, come_in_order_and_before_the_end_of_their_call) {
  with_ends([](Ends& ends) {
    int yielded = 0;
    ends.handler.run = counting(yielded, 100);
    with_items(ends, kLargeRoom, [&](OutgoingCall& call) {
      for (int i = 0; i < 100; ++i) EXPECT_EQ(call.items()->receive(), Value(i));
      EXPECT_EQ(call.items()->receive(), std::nullopt);
      EXPECT_EQ(call.items()->receive(), std::nullopt);
      EXPECT_EQ(call.outcome().value, Value("done"));
    });
  });
}

TEST(LinkItems, go_together_only_while_something_is_being_written) {
  with_ends([](Ends& ends) {
    int yielded = 0;
    ends.handler.run = counting(yielded, 20);
    const auto rounds = [&](bool writing) {
      ends.carrier.is_writing = writing;
      const int before = ends.rounds;
      with_items(ends, kLargeRoom, [&](OutgoingCall& call) {
        while (call.items()->receive()) {
        }
      });
      return ends.rounds - before;
    };
    EXPECT_GE(rounds(false), 20);
    EXPECT_LE(rounds(true), 4);
  });
}

TEST(LinkItems, A14_no_more_are_sent_than_there_is_room_for) {
  with_ends([](Ends& ends) {
    int yielded = 0;
    ends.handler.run = counting(yielded, 1'000);
    with_items(ends, {.items = 8, .bytes = 1'000}, [&](OutgoingCall& call) {
      for (int taken = 0; taken < 100; ++taken) {
        sleep(1s);
        EXPECT_LE(yielded, taken + 8);
        EXPECT_GE(yielded, taken + 4);  // half of it is granted at once
        EXPECT_EQ(call.items()->receive(), Value(taken));
      }
    });
    with_items(ends, {.items = 1'000, .bytes = 10}, [&](OutgoingCall&) {
      sleep(1s);
      EXPECT_GE(yielded, 10);
      EXPECT_LE(yielded, 11);  // the last one may be larger than what is left
    });
  });
}

TEST(LinkItems, those_that_nobody_receives_hold_the_sender_up_and_nobody_else) {
  with_ends([](Ends& ends) {
    int yielded = 0;
    ends.handler.run = [&](Invocation i) {
      return i.stream == nullptr ? Value("called") : counting(yielded, 1'000'000)(std::move(i));
    };
    with_items(ends, {.items = 10, .bytes = 1'000'000}, [&](OutgoingCall&) {
      sleep(1s);
      EXPECT_EQ(ends.call(1).value, Value("called"));
      EXPECT_EQ(yielded, 10);
    });
  });
}

TEST(LinkItems, go_both_ways_and_each_way_ends_for_itself) {
  with_ends([](Ends& ends) {
    ends.handler.run = [](Invocation i) {
      i.stream->started("up");
      std::int64_t sum = 0;
      while (const std::optional<Value> item = i.stream->receive())
        i.stream->send(sum += *item->get_if<std::int64_t>());
      i.stream->send("the sum");
      return Value(sum);
    };
    with_items(ends, kLargeRoom, [](OutgoingCall& call) {
      call.items()->send(1);
      EXPECT_EQ(call.items()->receive(), Value(1));
      EXPECT_EQ(call.started_with(), Value("up"));
      call.items()->send(2);
      EXPECT_EQ(call.items()->receive(), Value(3));
      call.items()->close_send();
      EXPECT_THROW(call.items()->send(3), ClosedError);
      EXPECT_EQ(call.items()->receive(), Value("the sum"));
      EXPECT_EQ(call.items()->receive(), std::nullopt);
      EXPECT_EQ(call.outcome().value, Value(3));
    });
  });
}

TEST(LinkItems, of_all_kinds_and_sizes_keep_their_order) {
  with_ends([](Ends& ends) {
    std::vector<Value> items;
    for (int i = 0; i < 200; ++i) {
      items.insert(items.end(), {i, -i, i * 0.5, i % 2 == 0, "text", Value(), Value::List{i}});
      if (i % 50 == 0) items.emplace_back(std::string(300'000, 'x'));
    }
    ends.carrier.is_writing = true;
    ends.handler.run = [&](Invocation i) {
      for (const Value& item : items) i.stream->send(item);
      return Value();
    };
    with_items(ends, kLargeRoom, [&](OutgoingCall& call) {
      for (const Value& item : items) ASSERT_EQ(call.items()->receive(), item);
      EXPECT_EQ(call.items()->receive(), std::nullopt);
    });
  });
}

TEST(LinkItems, that_cannot_travel_fail_in_the_hands_of_who_sends_them) {
  with_ends([](Ends& ends) {
    ends.handler.run = [](Invocation i) {
      i.stream->send(std::string(LinkEnd::kMaxFrameBytes + 1, 'x'));
      return Value();
    };
    with_items(ends, kLargeRoom, [](OutgoingCall& call) {
      EXPECT_EQ(call.items()->receive(), std::nullopt);
      EXPECT_EQ(call.outcome().error.kind, ErrorKind::resource_exhausted);
      EXPECT_NE(call.outcome().error.message.find("an item of m.f has 67108870"), std::string::npos)
          << call.outcome().error.message;
    });
  });
}

TEST(LinkItems, for_a_call_that_has_ended_are_refused_here_and_ignored_there) {
  with_ends([](Ends& ends) {
    ends.handler.run = [](const Invocation&) { return Value(1); };
    with_items(ends, kLargeRoom, [&](OutgoingCall& call) {
      EXPECT_EQ(call.items()->receive(), std::nullopt);
      EXPECT_THROW(call.items()->send(1), BrokenError);
      FrameWriter writer;
      EXPECT_EQ(refusal(ends.server, message_of({std::string(writer.item(1, false, "f", 1).frame),
                                                 std::string(writer.close_send(1, false)),
                                                 std::string(writer.credit(1, false, kLargeRoom))})),
                "");
    });
  });
}

TEST(LinkItems, a_link_that_breaks_ends_what_waits_for_room_and_for_items) {
  with_ends([](Ends& ends) {
    ends.handler.run = [](const Invocation&) -> Value { sleep_forever(); };
    with_items(ends, kLargeRoom, [&](OutgoingCall& call) {
      open_task_nursery([&](TaskNursery& t) {
        t.start_soon([&] { EXPECT_EQ(call.items()->receive(), std::nullopt); });
        t.start_soon([&] {
          EXPECT_THROW(
              {
                while (true) call.items()->send(1);
              },
              BrokenError);
        });
        sleep(1s);
        ends.caller.break_off({.message = "gone", .kind = ErrorKind::unavailable});
      });
      EXPECT_EQ(call.outcome().error.message, "gone");
    });
  });
}

// --- rules ---

TEST(Link, who_breaks_the_rules_is_told_which) {
  with_ends([](Ends& ends) {
    EXPECT_NE(refusal(ends.server, message_of({open_of(1)})).find("its first frame is no hello"), std::string::npos);
    ends.call(1);
    const auto breaks = [](LinkEnd& end, std::vector<std::string> frames, const std::string& rule) {
      const std::string said = refusal(end, message_of(std::move(frames)));
      EXPECT_NE(said.find(rule), std::string::npos) << said;
    };
    breaks(ends.server, {kHello}, "a second hello");
    breaks(ends.server, {cancel_of(9)}, "call 9, which was never opened");
    breaks(ends.server, {open_of(1)}, "call 1 is opened after call 1");
    breaks(ends.server, {value_of(1)}, "answers what was never asked");
    breaks(ends.caller, {value_of(9)}, "call 9, which was never opened");
    breaks(ends.caller, {open_of(2)}, "did not open");
    FrameWriter writer;
    breaks(ends.server, {std::string(writer.chunk(2, false, {.data = "x"}))}, "of 0 bytes in pieces");
    const std::string again = open_of(1);
    breaks(ends.server,
           {std::string(writer.chunk(1, false, {.data = again, .total_bytes = again.size(), .last = true}))},
           "call 1 is opened after call 1");
    breaks(ends.server, {std::string(writer.chunk(3, false, {.data = "x", .total_bytes = std::uint64_t{1} << 40}))},
           "bytes in pieces");
    breaks(ends.server, {std::string(writer.chunk(4, false, {.data = "xx", .total_bytes = 2, .last = true}))}, "");
    EXPECT_NE(refusal(ends.server, "\xff\xff garbage"), "");
    breaks(ends.server, {std::string(writer.item(1'000, false, "f", 1).frame)}, "call 1000, which was never opened");
  });
}

TEST(Link, items_without_room_break_the_rules) {
  with_ends([](Ends& ends) {
    FrameWriter writer;
    ends.handler.run = [](const Invocation&) -> Value { sleep_forever(); };
    with_items(ends, {.items = 2, .bytes = 1'000}, [&](OutgoingCall&) {
      sleep(1s);
      const auto item = [&] { return std::string(writer.item(1, true, "f", "x").frame); };
      EXPECT_EQ(refusal(ends.caller, message_of({item(), item()})), "");
      const std::string said = refusal(ends.caller, message_of({item()}));
      EXPECT_NE(said.find("more items of call 1 than there is room for"), std::string::npos) << said;
    });
  });
}

TEST(Link, a_version_that_is_not_spoken_is_named) {
  with_ends([](Ends& ends) {
    FrameWriter writer;
    const std::string said =
        refusal(ends.caller, message_of({std::string(writer.hello({.version_min = 8, .version_max = 9}))}));
    EXPECT_NE(said.find("speaks versions 8 to 9 of the link, this one 1 to 1"), std::string::npos) << said;
  });
}

}  // namespace
}  // namespace tractor
