// The items of calls over a link, on virtual time.
#include "runtime/wire/link_items.h"

#include <gtest/gtest.h>

#include "tests/runtime/wire/link_ends.h"

namespace tractor {
namespace {

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

TEST(LinkItems, that_are_discarded_while_they_are_received_are_none) {
  with_ends([](Ends& ends) {
    int yielded = 0;
    ends.handler.run = counting(yielded, 1'000);
    with_items(ends, kLargeRoom, [&](OutgoingCall& call) {
      sleep(1s);
      int received = 0;
      open_task_nursery([&](TaskNursery& t) {
        t.start_soon([&] {
          while (call.items()->receive()) ++received;
        });
        while (received < 31) yield_now();  // the reader lets others have their turn before the next
        call.items()->discard();
      });
      EXPECT_LT(received, 1'000);
    });
  });
}

TEST(LinkItems, that_are_no_values_give_their_room_back) {
  with_ends([](Ends& ends) {
    int received = 0;
    int bad = 0;
    ends.handler.run = [&](const Invocation& i) {
      while (true) {
        try {
          if (!i.stream->receive()) return Value("done");
          ++received;
        } catch (const CallError&) {
          ++bad;
        }
      }
    };
    with_items(ends, kLargeRoom, [&](OutgoingCall& call) {
      sleep(1s);
      FrameWriter writer;
      std::string frame(writer.item(1, false, "m.f", std::string(5 << 20, 'x')).frame);
      frame.back() = '\xff';  // no UTF-8
      EXPECT_EQ(refusal(ends.server, message_of({frame})), "");
      sleep(1s);
      call.items()->send(1);
      sleep(1s);
    });
    EXPECT_EQ(received, 1);
    EXPECT_EQ(bad, 1);
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

TEST(LinkItems, without_room_break_the_rules) {
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

}  // namespace
}  // namespace tractor
