// Generators of other actors, over real processes.
#include "streamers.h"

namespace tractor::test {
namespace {

// --- the actors' functions: module "numbers" ---

void count_to(Yield<int>& yield, int last) {
  for (int i = 1; i <= last; ++i) yield(i);
}
void words(Yield<std::string>& yield, int count, int size) {
  for (int i = 0; i < count; ++i) yield(std::string(static_cast<std::size_t>(size), static_cast<char>('a' + i % 26)));
}
void mixed(Yield<Value>& yield) {
  yield(1);
  yield(-2);
  yield("three");
  yield(4.5);
  yield(true);
  yield(Value());
  yield(std::string(200'000, 'x'));
  yield(false);
}
void fail_after(Yield<int>& yield, int count) {
  count_to(yield, count);
  throw std::runtime_error("out of numbers");
}
std::atomic<int> yielded = 0;
void count_forever(Yield<int>& yield, const std::string& trace) {
  const NoteAtEnd ends(trace, "generator ends");
  note(trace, "generator begins");
  for (yielded = 0;; ++yielded) yield(yielded);
}
void megabytes_forever(Yield<std::string>& yield) {
  for (yielded = 0;; ++yielded) yield(std::string(std::size_t{1} << 20, 'm'));
}
int how_many() { return yielded; }
int sum_of(const std::string& actor, int last) {
  int sum = 0;
  for (int i : wait_for_actor(actor).run(count_to, last)) sum += i;
  return sum;
}
// Takes one item, and leaves what the stream ends with to its destructor.
int first_of(const std::string& actor) {
  Stream<int> numbers = wait_for_actor(actor).run(fail_after, 1);
  const int first = numbers.next().value();
  wait_for_actor(actor).run(how_many);  // the error has come, too
  return first;
}
void wait_until_cancelled(const std::string& trace) {
  note(trace, "call begins");
  sleep_forever();
}
void numbers_of_two(Yield<int>& yield, const std::string& first, const std::string& second, int last) {
  for (int i : merge(wait_for_actor(first).run(count_to, last), wait_for_actor(second).run(count_to, last))) yield(i);
}
void two_forever(Yield<int>& yield, const std::string& trace) {
  for (int i :
       merge(wait_for_actor("first").run(count_forever, trace), wait_for_actor("second").run(count_forever, trace)))
    yield(i);
}
void small_numbers(Yield<std::int8_t>& yield) { yield(7); }
void echo_one(Yield<Value>& yield, const Value& value) { yield(value); }
std::string tell() { return "told"; }

void define(Program& p) {
  p.module("numbers")
      .def("count_to", count_to, "last")
      .def("words", words, "count", "size")
      .def("mixed", mixed)
      .def("fail_after", fail_after, "count")
      .def("count_forever", count_forever, "trace")
      .def("megabytes_forever", megabytes_forever)
      .def("how_many", how_many)
      .def("sum_of", sum_of)
      .def("first_of", first_of)
      .def("wait_until_cancelled", wait_until_cancelled)
      .def("numbers_of_two", numbers_of_two)
      .def("two_forever", two_forever, "trace")
      .def("shielded_end", shielded_end, "trace")
      .def("small_numbers", small_numbers)
      .def("echo_one", echo_one, "value")
      .def("tell", tell);
}

class Streaming : public TracedProcesses {
 protected:
  // With an actor "streamer", which serves until the body has ended.
  void with_streamer(const std::function<void(Portal&)>& body) {
    run([&] {
      open_nursery([&](ActorNursery& n) {
        Portal streamer = n.start_actor("streamer", {.modules = {"numbers"}});
        body(streamer);
        EXPECT_EQ(streamer.run(tell), "told");  // the connection is usable
        streamer.cancel_actor();
      });
    });
  }
};

template <class T>
std::vector<T> collect(Stream<T> stream) {
  std::vector<T> items;
  for (T& item : stream) items.push_back(std::move(item));
  return items;
}

TEST_F(Streaming, A12_items_arrive_complete_in_order_and_end) {
  with_streamer([](Portal& streamer) {
    int expected = 0;
    for (int i : streamer.run(count_to, 10'000)) ASSERT_EQ(i, ++expected);
    EXPECT_EQ(expected, 10'000);
    EXPECT_EQ(collect(streamer.run(count_to, 0)), std::vector<int>());
  });
}

TEST_F(Streaming, A12_items_of_every_kind_and_size_keep_their_order) {
  with_streamer([](Portal& streamer) {
    const std::vector<Value> items = collect(streamer.run(mixed));
    const std::vector<Value> expected = {1, -2, "three", 4.5, true, Value(), std::string(200'000, 'x'), false};
    EXPECT_EQ(items, expected);
    int n = 0;
    for (const std::string& word : streamer.run(words, 40, 300'000)) {
      ASSERT_EQ(word, std::string(300'000, static_cast<char>('a' + n++ % 26)));
    }
    EXPECT_EQ(n, 40);
  });
}

TEST_F(Streaming, A12_an_error_after_three_items_arrives_after_three_items_and_again) {
  with_streamer([](Portal& streamer) {
    Stream<int> stream = streamer.run(fail_after, 3);
    for (int i = 1; i <= 3; ++i) EXPECT_EQ(stream.next(), i);
    for (int again = 0; again < 2; ++again) {
      const RemoteActorError error = remote_error([&] { return stream.next(); });
      EXPECT_EQ(error.message(), "out of numbers");
      EXPECT_EQ(error.origin().name, "streamer");
    }
    stream.close();  // it was told
  });
}

TEST_F(Streaming, A12_an_error_that_a_function_leaves_unread_fails_its_call_and_nothing_else) {
  run([&] {
    open_nursery([&](ActorNursery& n) {
      n.start_actor("source", {.modules = {"numbers"}});
      Portal reader = n.start_actor("reader", {.modules = {"numbers"}});
      CancelScope beside;
      open_task_nursery([&](TaskNursery& tasks) {
        tasks.start_soon([&] { beside.run([&] { reader.run(wait_until_cancelled, trace_.path()); }); });
        ASSERT_TRUE(trace_.comes("call begins"));
        EXPECT_EQ(remote_error([&] { return reader.run(first_of, "source"); }).message(), "out of numbers");
        const auto one_shot = [](ActorNursery& own) {
          return own.run_in_actor("one-shot", first_of, "source").result();
        };
        EXPECT_EQ(remote_error([&] { return open_nursery(one_shot); }).message(), "out of numbers");
        EXPECT_EQ(reader.run(tell), "told");
        beside.cancel();
      });
      EXPECT_TRUE(beside.cancelled_caught());
      n.cancel();
    });
  });
}

TEST_F(Streaming, A12_an_item_that_does_not_fit_is_an_error_that_says_so) {
  with_streamer([](Portal& streamer) {
    auto stream = streamer.run<Stream<std::int8_t>>("numbers.count_to", 200);
    const auto error = thrown<DecodeError>([&] {
      while (stream.next()) {
      }
      return 0;
    });
    EXPECT_TRUE(contains(error.what(), "item") && contains(error.what(), "128"));
  });
}

TEST_F(Streaming, A05_what_is_wrong_with_the_call_of_a_generator_is_told_by_its_stream) {
  with_streamer([](Portal& streamer) {
    const auto message = [&](auto stream) { return remote_error([&] { return stream.next(); }).message(); };
    EXPECT_TRUE(
        contains(message(streamer.run<Stream<int>>("numbers.cuont_to", 1)), "no function \"numbers.cuont_to\""));
    EXPECT_TRUE(contains(message(streamer.run<Stream<int>>("numbers.count_to", "ten")), "\"last\""));
    EXPECT_TRUE(contains(message(streamer.run<Stream<int>>("numbers.tell")), "returns one value"));
    EXPECT_TRUE(
        contains(remote_error([&] { return streamer.run<int>("numbers.count_to", 1); }).message(), "is a generator"));
  });
}

TEST_F(Streaming, A04_a_generator_runs_here_and_there_with_no_special_case) {
  with_streamer([](Portal& streamer) {
    EXPECT_EQ(collect(streamer.run(count_to, 3)), collect(generate(count_to, 3)));
    EXPECT_EQ(collect(streamer.run<Stream<int>>("numbers.count_to", {{"last", 3}})), collect(generate(count_to, 3)));
  });
}

TEST_F(Streaming, A13_leaving_the_loop_early_ends_the_generator_which_unwinds_before_the_next_line) {
  with_streamer([&](Portal& streamer) {
    for (int i : streamer.run(count_forever, trace_.path())) {
      if (i == 5) break;
    }
    EXPECT_TRUE(trace_.has("generator ends"));
  });
}

TEST_F(Streaming, A13_a_stream_that_nobody_reads_ends_with_its_handle) {
  with_streamer([&](Portal& streamer) {
    {
      Stream<int> stream = streamer.run(count_forever, trace_.path());
      EXPECT_TRUE(trace_.comes("generator begins"));
    }
    EXPECT_TRUE(trace_.has("generator ends"));
    Stream<int> closed = streamer.run(count_to, 3);
    closed.close();
    EXPECT_THROW(closed.next(), ClosedError);
  });
}

TEST_F(Streaming, A30_a_generator_that_shields_its_end_is_waited_for) {
  with_streamer([&](Portal& streamer) {
    for (int i : streamer.run(shielded_end, trace_.path())) {
      EXPECT_EQ(i, 1);
      break;
    }
    EXPECT_TRUE(trace_.has("generator ends"));
  });
}

TEST_F(Streaming, A13_cancelling_the_reader_loses_no_item) {
  with_streamer([&](Portal& streamer) {
    Stream<int> stream = streamer.run(count_to, 1'000);
    int expected = 0;
    while (true) {
      std::optional<int> item;
      CancelScope scope;
      scope.cancel();
      scope.run([&] { item = stream.next(); });
      EXPECT_TRUE(scope.cancelled_caught());
      item = stream.next();
      if (!item) break;
      ASSERT_EQ(*item, ++expected);
    }
    EXPECT_EQ(expected, 1'000);
  });
}

TEST_F(Streaming, a_stream_goes_on_after_the_deadline_of_the_scope_that_it_was_opened_in) {
  run([&] {
    open_nursery([&](ActorNursery& n) {
      const auto soon = 1s * kSlowness;
      auto one_shot =
          tractor::fail_after(soon, [&] { return n.run_in_actor("one-shot", count_forever, trace_.path()); });
      Portal streamer = n.start_actor("streamer", {.modules = {"numbers"}});
      Stream<int> stream = tractor::fail_after(soon, [&] { return streamer.run(count_forever, trace_.path()); });
      tractor::sleep(soon + 200ms);
      Stream<int> other = one_shot.result();
      for (int i = 0; i < 200; ++i) {
        EXPECT_EQ(stream.next(), i);
        EXPECT_EQ(other.next(), i);
      }
      n.cancel();
    });
  });
}

TEST_F(Streaming, A14_a_slow_consumer_holds_the_producer_back) {
  with_streamer([&](Portal& streamer) {
    Stream<int> stream = streamer.run(StreamOptions{.items = 10}, count_forever, trace_.path());
    for (int taken = 0; taken < 30; ++taken) {
      if (taken % 10 == 5) {
        EXPECT_TRUE(eventually([&] { return streamer.run(how_many) >= taken; }));
        tractor::sleep(20ms);
        EXPECT_LE(streamer.run(how_many), taken + 10);
      }
      EXPECT_EQ(stream.next(), taken);
    }
  });
}

TEST_F(Streaming, A14_bytes_count_too) {
  with_streamer([&](Portal& streamer) {
    Stream<std::string> stream = streamer.run(StreamOptions{.bytes = 3 << 20}, megabytes_forever);
    EXPECT_EQ(stream.next()->size(), std::size_t{1} << 20);
    EXPECT_TRUE(eventually([&] { return streamer.run(how_many) >= 2; }));
    tractor::sleep(50ms);
    EXPECT_LE(streamer.run(how_many), 5);
  });
}

TEST_F(Streaming, A15_a_stalled_stream_delays_neither_calls_nor_other_streams) {
  with_streamer([&](Portal& streamer) {
    Stream<int> stalled = streamer.run(count_forever, trace_.path());
    Stream<std::string> stalled_too = streamer.run(megabytes_forever);
    EXPECT_TRUE(trace_.comes("generator begins"));
    EXPECT_EQ(streamer.run(tell), "told");
    EXPECT_EQ(collect(streamer.run(count_to, 5'000)).size(), 5'000U);
  });
}

TEST_F(Streaming, A18_two_streams_feed_one_that_feeds_the_root) {
  run([] {
    open_nursery([](ActorNursery& n) {
      Portal first = n.start_actor("first", {.modules = {"numbers"}});
      Portal second = n.start_actor("second", {.modules = {"numbers"}});
      std::multiset<int> all;
      for (int i : n.run_in_actor("aggregator", numbers_of_two, "first", "second", 1'000).result()) all.insert(i);
      EXPECT_EQ(all.size(), 2'000U);
      EXPECT_EQ(all.count(500), 2U);
      n.cancel();
    });
  });
}

TEST_F(Streaming, A18_cancelled_half_way_nothing_is_left_over) {
  run([this] {
    open_nursery([&](ActorNursery& n) {
      Portal first = n.start_actor("first", {.modules = {"numbers"}});
      Portal second = n.start_actor("second", {.modules = {"numbers"}});
      CancelScope scope;
      int received = 0;
      scope.run([&] {
        for ([[maybe_unused]] int i : n.run_in_actor("aggregator", two_forever, trace_.path()).result()) {
          if (++received == 1'000) scope.cancel();
        }
      });
      EXPECT_TRUE(scope.cancelled_caught());
      EXPECT_EQ(trace_.count("generator ends"), 2);  // all have ended when the scope has
      EXPECT_EQ(first.run(sum_of, "second", 10), 55);
      n.cancel();
    });
  });
}

TEST_F(Streaming, A19_one_remote_stream_is_fanned_out_to_twenty_subscribers) {
  with_streamer([](Portal& streamer) {
    Stream<int> stream = streamer.run(count_to, 500);
    std::vector<Stream<int>> subscribers;
    for (int i = 0; i < 19; ++i) subscribers.push_back(stream.subscribe(1'000));
    subscribers.push_back(std::move(stream));
    int complete = 0;
    open_task_nursery([&](TaskNursery& t) {
      for (Stream<int>& subscriber : subscribers) {
        t.start_soon([&] { complete += collect(std::move(subscriber)).size() == 500 ? 1 : 0; });
      }
    });
    EXPECT_EQ(complete, 20);
  });
}

TEST_F(Streaming, A02_a_one_shot_actor_that_runs_a_generator_gives_its_stream_once) {
  run([] {
    open_nursery([](ActorNursery& n) {
      auto counter = n.run_in_actor("counter", count_to, 3);
      EXPECT_EQ(collect(counter.result()), (std::vector<int>{1, 2, 3}));
      EXPECT_TRUE(contains(usage_error([&] { return counter.result(); }), "taken already"));
    });
  });
}

TEST_F(Streaming, a_one_shot_generator_that_cannot_be_started_leaves_nothing) {
  run([] {
    open_nursery([](ActorNursery& n) {
      const auto too_deep = [] {
        Value nested;
        for (int depth = 0; depth < 200; ++depth) nested = Value::List{nested};
        return nested;
      };
      EXPECT_TRUE(contains(thrown<CallError>([&] { return n.run_in_actor("echo", echo_one, too_deep()), 0; }).what(),
                           "nested more than 128 deep"));
    });
    EXPECT_FALSE(find_actor("echo"));
  });
}

TEST_F(Streaming, a_one_shot_generator_whose_portal_is_dropped_ends) {
  run([&] {
    open_nursery([&](ActorNursery& n) { n.run_in_actor("counter", count_forever, trace_.path()); });
    EXPECT_TRUE(trace_.has("generator ends") || !trace_.has("generator begins"));
  });
}

TEST_F(Streaming, A24_a_one_shot_generator_that_fails_fails_its_nursery_once) {
  run([] {
    const RemoteActorError error = remote_error([] {
      open_nursery([](ActorNursery& n) {
        for ([[maybe_unused]] int i : n.run_in_actor("counter", fail_after, 3).result()) {
        }
      });
    });
    EXPECT_EQ(error.message(), "out of numbers");
  });
}

TEST_F(Streaming, A27_a_timeout_around_a_nursery_ends_an_endless_streamer) {
  run([&] {
    ActorNursery n;
    int items = 0;
    const CancelScope scope = move_on_after(within(1s), [&] {
      open_nursery(n, [&] {
        Portal streamer = n.start_actor("streamer", {.modules = {"numbers"}});
        for ([[maybe_unused]] int i : streamer.run(count_forever, trace_.path())) ++items;
      });
    });
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_TRUE(n.cancelled());
    EXPECT_GT(items, 0);
    EXPECT_TRUE(trace_.has("generator ends"));
    EXPECT_FALSE(find_actor("streamer"));
  });
}

TEST_F(Streaming, A36_killing_the_streamer_ends_the_stream_with_an_error_that_names_it_and_the_signal) {
  run([&] {
    std::chrono::nanoseconds killed_at{};
    const RemoteActorError error = remote_error([&] {
      open_nursery([&](ActorNursery& n) {
        Portal streamer = n.start_actor("streamer", {.modules = {"numbers"}});
        Stream<int> stream = streamer.run(count_forever, trace_.path());
        EXPECT_EQ(stream.next(), 0);
        killed_at = monotonic_now();
        kill(trace_.find("generator begins")->pid, SIGKILL);
        while (stream.next()) {
        }
      });
    });
    EXPECT_LT(monotonic_now() - killed_at, within(1s));
    EXPECT_TRUE(contains(error.what(), "\"streamer\"") && contains(error.what(), "signal 9"));
  });
}

// Reads from the server's generator until it is killed.
TRACTOR_SCENARIO(reads_forever) {
  return program->main([&] {
    for ([[maybe_unused]] int i : wait_for_actor("server").run(count_forever, arguments.at(0))) {
    }
  });
}

TEST_F(Streaming, A38_killing_the_client_ends_the_generator) {
  run({.name = "server", .modules = {"numbers"}}, [&] {
    Process client = Process::as("reads_forever", {trace_.path()});
    ASSERT_TRUE(eventually([&] { return trace_.has("generator begins"); })) << client.err();
    client.signal(SIGKILL);
    EXPECT_TRUE(eventually([&] { return trace_.has("generator ends"); }));
  });
  expect_next_start_sweeps();
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
