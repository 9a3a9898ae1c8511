// Both ends of a link, as a protocol, on virtual time: what carries their messages is a task here.
#include <gtest/gtest.h>

#include "tests/runtime/wire/link_ends.h"

namespace tractor {
namespace {

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

TEST(Link, a_call_that_is_cancelled_while_its_arguments_travel_does_not_wait_for_them) {
  with_ends([](Ends& ends) {
    const Value large(std::string(std::size_t{16} << 20, 'x'));
    CallOutcome outcome;
    CancelScope scope;
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] { scope.run([&] { outcome = ends.call(large); }); });
      while (ends.rounds < 3) yield_now();
      scope.cancel();
    });
    EXPECT_LT(ends.rounds, 10);
    EXPECT_TRUE(outcome.cancelled);
    EXPECT_TRUE(outcome.answered);
    EXPECT_EQ(outcome.error.kind, ErrorKind::cancelled);
    EXPECT_EQ(outcome.error.executed, Executed::no);
    EXPECT_EQ(ends.call(1).value, Value(1));
    EXPECT_EQ(ends.handler.invoked, 1);
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

TEST(Link, a_caller_that_does_not_read_keeps_no_calls_from_ending) {
  run_virtual([] {
    Handler handler;
    handler.run = [](const Invocation&) -> Value { throw std::runtime_error(std::string(10'000, 'x')); };
    Condition wanted;
    Carrier carrier(wanted);
    const Clock::time_point start = Clock::now();
    std::optional<ServingEnd> server;
    open_task_nursery([&](TaskNursery& calls) {
      server.emplace(carrier, handler, calls);
      EXPECT_EQ(refusal(*server, message_of({kHello})), "");
      for (std::uint64_t call = 1; call <= 1000; ++call) EXPECT_EQ(refusal(*server, message_of({open_of(call)})), "");
      sleep(1min);
      EXPECT_EQ(handler.invoked, 1000);
      calls.cancel_scope().cancel();
    });
    EXPECT_EQ(Clock::now() - start, 1min + 1s);  // their errors had no room
  });
}

TEST(Link, who_asks_on_and_on_and_reads_no_answer_is_cut_off) {
  run_virtual([] {
    Handler handler;
    Condition wanted;
    Carrier carrier(wanted);
    std::optional<ServingEnd> server;
    open_task_nursery([&](TaskNursery& calls) {
      server.emplace(carrier, handler, calls);
      EXPECT_EQ(refusal(*server, message_of({kHello})), "");
      std::string said;
      for (std::uint64_t call = 1; call <= 1'000'000 && said.empty(); ++call)
        said = refusal(
            *server,
            message_of({std::string(FrameWriter().open(call, {.function = "m.f", .target_actor_id = "another"}))}));
      EXPECT_NE(said.find("reads no answer"), std::string::npos) << said;
      calls.cancel_scope().cancel();
    });
  });
}

TEST(Link, calls_after_the_actors_end_are_told_so) {
  with_ends([](Ends& ends) {
    ends.call(1);
    ends.server.close();
    EXPECT_EQ(ends.call(2).error.kind, ErrorKind::unavailable);
  });
}

TEST(Link, an_end_that_is_going_gets_no_more_calls_and_answers_those_in_flight) {
  with_ends([](Ends& ends) {
    ends.handler.run = [](const Invocation&) {
      sleep(2s);
      return Value("done");
    };
    CallOutcome in_flight;
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] { in_flight = ends.call(1); });
      sleep(1s);
      ends.server.go_away();
      sleep(100ms);
      const CallOutcome late = ends.call(2);
      EXPECT_EQ(late.error.message, "the actor is shutting down");
      EXPECT_EQ(late.error.kind, ErrorKind::unavailable);
      EXPECT_EQ(late.error.executed, Executed::no);
      EXPECT_EQ(late.error.origin, ends.handler.actor);
      EXPECT_TRUE(late.answered);
    });
    EXPECT_EQ(in_flight.value, Value("done"));
    EXPECT_EQ(ends.handler.invoked, 1);
  });
}

TEST(Link, no_more_calls_are_in_flight_than_the_other_end_takes) {
  run_virtual([] {
    std::optional<Ends> ends;
    open_task_nursery([&](TaskNursery& t) {
      ends.emplace(t);
      ends->from_caller = false;
      ends->server.take_message();  // its hello, in whose place comes one from here
      ends->caller.receive(message_of({std::string(FrameWriter().hello({.max_calls = 2}))}));
      int opened = 0;
      for (int i = 0; i < 5; ++i) {
        t.start_soon([&] {
          const CallRequest request{.function = "m.f"};
          OutgoingCall call(ends->caller, request, kPatience);
          ++opened;
          call.wait_or_cancel();
        });
      }
      sleep(1s);
      EXPECT_EQ(opened, 2);
      ends->caller.receive(message_of({value_of(1)}));
      sleep(1s);
      EXPECT_EQ(opened, 3);
      t.start_soon([&] { EXPECT_TRUE(move_on_after(1s, [&] { ends->call(1); }).cancelled_caught()); });
      sleep(2s);
      ends->caller.break_off({.message = "gone", .kind = ErrorKind::unavailable});
      sleep(1s);
      EXPECT_EQ(opened, 5);
      t.cancel_scope().cancel();
    });
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
    breaks(ends.server, {std::string(writer.chunk(3, false, {.data = "", .total_bytes = 2}))}, "an empty piece");
    breaks(ends.server, {std::string(writer.chunk(4, false, {.data = "xx", .total_bytes = 2, .last = true}))}, "");
    const std::string credit(writer.credit(5, false, {.items = 1, .bytes = 1}));
    breaks(ends.server,
           {std::string(writer.chunk(5, false, {.data = credit, .total_bytes = credit.size(), .last = true}))},
           "in pieces, which does not open it");
    breaks(ends.caller, {std::string(writer.chunk(9, true, {.data = "x", .total_bytes = 2}))},
           "pieces for call 9, which was never opened");
    EXPECT_NE(refusal(ends.server, "\xff\xff garbage"), "");
    breaks(ends.server, {std::string(writer.item(1'000, false, "f", 1).frame)}, "call 1000, which was never opened");
  });
}

TEST(Link, frames_in_pieces_that_never_end_do_not_fill_the_memory) {
  with_ends([](Ends& ends) {
    ends.call(1);
    constexpr int kMegabytesEach = 60;
    const std::string megabyte(std::size_t{1} << 20, 'x');
    FrameWriter writer;
    std::string said;
    for (int sent = 0; sent < 4 * kMegabytesEach && said.empty(); ++sent) {
      const bool is_first = sent % kMegabytesEach == 0;
      const auto call = static_cast<std::uint64_t>(2 + sent / kMegabytesEach);
      said = refusal(ends.server,
                     message_of({std::string(writer.chunk(
                         call, false,
                         {.data = megabyte, .total_bytes = is_first ? std::uint64_t{64} << 20 : std::uint64_t{0}}))}));
    }
    EXPECT_NE(said.find("bytes in pieces"), std::string::npos) << said;
  });
}

TEST(Link, a_version_that_is_not_spoken_is_named) {
  with_ends([](Ends& ends) {
    FrameWriter writer;
    const std::string said =
        refusal(ends.caller,
                message_of({std::string(writer.hello({.version_min = 8, .version_max = 9, .build = "tractor 8.1"}))}));
    EXPECT_NE(said.find("(tractor 8.1) speaks versions 8 to 9 of the link, this one (tractor "), std::string::npos)
        << said;
  });
}

// A message with that number.
std::string numbered(std::uint64_t number, const std::string& frame) {
  std::string message;
  append_number(message, number);
  append_frame(message, frame);
  return message;
}

TEST(Link, a_message_that_comes_twice_is_taken_once) {
  with_ends([](Ends& ends) {
    ends.handler.run = [](const Invocation&) -> Value { sleep_forever(); };
    ends.server.receive(numbered(1, kHello));
    ends.server.receive(numbered(2, open_of(1)));
    ends.server.receive(numbered(2, open_of(1)));
    ends.server.receive(numbered(1, kHello));
    ends.server.receive(numbered(3, open_of(2)));
    sleep(1ms);
    EXPECT_EQ(ends.handler.invoked, 2);
  });
}

TEST(Link, a_message_that_is_missing_closes_it_before_the_next_is_acted_on) {
  with_ends([](Ends& ends) {
    ends.server.receive(numbered(1, kHello));
    EXPECT_EQ(refusal(ends.server, numbered(3, open_of(1))), "the link has lost messages: 3 came after 1");
    sleep(1ms);
    EXPECT_EQ(ends.handler.invoked, 0);
  });
}

TEST(Link, the_number_may_stand_behind_the_frames) {
  std::string message = message_of({kHello});
  EXPECT_EQ(read_number(message), 0U);
  append_number(message, 300);
  EXPECT_EQ(read_number(message), 300U);
}

}  // namespace
}  // namespace tractor
