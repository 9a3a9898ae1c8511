// How streams are combined and fanned out; on virtual time.
#include "runtime/task/stream_operators.h"

#include <numeric>

#include "tests/runtime/task/generators.h"

namespace tractor {
namespace {

TEST(StreamOperators, is_combined) {
  run_virtual([] {
    EXPECT_EQ(all(generate(count_to, 4).map([](int i) { return std::to_string(i); })),
              (std::vector<std::string>{"1", "2", "3", "4"}));
    EXPECT_EQ(all(generate(count_to, 6).filter([](int i) { return i % 2 == 0; })), (Ints{2, 4, 6}));
    EXPECT_EQ(all(generate(count_to, 4).scan(10, std::plus<>())), (Ints{11, 13, 16, 20}));
    EXPECT_EQ(all(zip(generate(count_to, 3), generate(count_to, 9).map([](int i) { return -i; }))),
              (std::vector<std::pair<int, int>>{{1, -1}, {2, -2}, {3, -3}}));
    EXPECT_EQ(all(merge(generate(at_times, Ints{100, 300, 500}), generate(at_times, Ints{200, 400}))),
              (Ints{100, 200, 300, 400, 500}));
    EXPECT_EQ(alive, 0);
  });
}

TEST(StreamOperators, a_scan_goes_on_with_what_it_had_when_its_function_failed) {
  run_virtual([] {
    Stream<std::string> words = generate(count_to, 4).scan(std::string("0"), [](std::string all, int i) {
      if (i == 2) throw std::runtime_error("two");
      return all + std::to_string(i);
    });
    EXPECT_EQ(words.next(), "01");
    EXPECT_THROW(words.next(), std::runtime_error);
    EXPECT_EQ(words.next(), "013");
    EXPECT_EQ(words.next(), "0134");
  });
}

TEST(StreamOperators, take_ends_the_producer_and_zip_ends_the_longer_stream) {
  run_virtual([] {
    int made = 0;
    Stream<int> some = generate(count_forever, std::ref(made)).take(3);
    for (int i = 1; i <= 3; ++i) EXPECT_EQ(some.next(), i);
    EXPECT_EQ(some.next(), std::nullopt);
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(some.next(), std::nullopt);
    Stream<std::pair<int, int>> pairs = zip(generate(count_to, 1), generate(count_forever, std::ref(made)));
    EXPECT_TRUE(pairs.next());
    EXPECT_EQ(pairs.next(), std::nullopt);
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(pairs.next(), std::nullopt);
    EXPECT_EQ(all(generate(count_forever, std::ref(made)).take(0)), Ints{});
  });
}

TEST(StreamOperators, what_came_before_an_error_comes_before_it_also_through_operators_with_tasks) {
  run_virtual([] {
    std::vector<int> seen;
    const auto take_all = [&](Stream<int> stream) {
      return error_of([&] {
        for (int i : stream) seen.push_back(i);
      });
    };
    EXPECT_EQ(take_all(merge(generate(count_then_fail, 3))), "the film is torn");
    EXPECT_EQ(seen, (Ints{1, 2, 3}));
    std::vector<Ints> batches;
    EXPECT_EQ(error_of([&] {
                for (const Ints& batch : generate(count_then_fail, 3).batch(2)) batches.push_back(batch);
              }),
              "the film is torn");
    EXPECT_EQ(batches, (std::vector<Ints>{{1, 2}, {3}}));
    seen.clear();
    EXPECT_EQ(take_all(generate(count_then_fail, 3).debounce(1s)), "the film is torn");
    EXPECT_EQ(seen, (Ints{3}));
  });
}

TEST(StreamOperators, an_item_that_waits_when_another_source_fails_still_comes) {
  run_virtual([] {
    Stream<int> merged = merge(generate(at_times, Ints{1, 3}), generate([](Yield<int>& yield) {
                                 sleep_until(Clock::now() + 2ms);
                                 yield(2);
                                 sleep(2ms);
                                 throw std::runtime_error("the film is torn");
                               }),
                               generate(at_times, Ints{100}));
    EXPECT_EQ(merged.next(), 1);
    sleep(10ms);  // one waits in front of the other, and the source has failed
    EXPECT_EQ(merged.next(), 2);
    EXPECT_EQ(merged.next(), 3);
    EXPECT_EQ(error_of([&] { merged.next(); }), "the film is torn");
  });
}

TEST(StreamOperators, zip_throws_what_either_side_fails_with_when_it_is_ended) {
  const auto fails_at_its_end = [](Yield<int>& yield) {
    try {
      for (int i = 0;; ++i) yield(i);
    } catch (const Cancelled&) {
      throw std::runtime_error("the light stayed on");
    }
  };
  int made = 0;
  run_virtual([&] {
    auto left_fails = zip(generate(fails_at_its_end), generate(count_forever, std::ref(made)));
    left_fails.next();
    EXPECT_EQ(error_of([&] { left_fails.close(); }), "the light stayed on");
    auto right_fails = zip(generate(count_forever, std::ref(made)), generate(fails_at_its_end));
    right_fails.next();
    EXPECT_EQ(error_of([&] { right_fails.close(); }), "the light stayed on");
    auto cut_short = zip(generate(count_forever, std::ref(made)), generate(count_forever, std::ref(made)));
    cut_short.next();
    bool closed = false;
    move_on_after(1s, [&] {
      try {
        sleep_forever();
      } catch (const Cancelled&) {
        cut_short.close();  // as any stream's, in a shield
        closed = true;
        throw;
      }
    });
    EXPECT_TRUE(closed);
    EXPECT_EQ(alive, 0);
  });
}

TEST(StreamOperators, batch_gives_what_has_come_when_it_is_enough_or_time) {
  run_virtual([] {
    EXPECT_EQ(all(generate(count_to, 7).batch(3)), (std::vector<Ints>{{1, 2, 3}, {4, 5, 6}, {7}}));
    EXPECT_EQ(all(generate(at_times, Ints{0, 100, 200, 2000, 2100}).batch(2, 1s)),
              (std::vector<Ints>{{0, 100}, {200}, {2000, 2100}}));
    EXPECT_EQ(all(generate(count_to, 2).batch(1)), (std::vector<Ints>{{1}, {2}}));
    EXPECT_EQ(error_of([] { generate(count_to, 1).batch(0); }), "Stream::batch: the count must be at least 1");
  });
}

TEST(StreamOperators, throttle_and_debounce_drop_items_that_come_close_to_each_other) {
  run_virtual([] {
    const Ints times = {0, 100, 200, 1000, 1900, 2000, 5000};
    EXPECT_EQ(all(generate(at_times, times).throttle(1s)), (Ints{0, 1000, 2000, 5000}));
    EXPECT_EQ(all(generate(at_times, times).debounce(500ms)), (Ints{200, 1000, 2000, 5000}));
    EXPECT_EQ(all(generate(at_times, Ints{}).debounce(500ms)), Ints{});
  });
}

TEST(StreamOperators, combined_streams_keep_errors_cancellation_and_back_pressure) {
  run_virtual([] {
    EXPECT_EQ(error_of([] { all(generate(count_then_fail, 2).map([](int i) { return i; }).batch(3)); }),
              "the film is torn");
    EXPECT_EQ(error_of([] { all(merge(generate(count_then_fail, 2), generate(count_to, 5))); }), "the film is torn");
    EXPECT_EQ(error_of([] {
                all(generate(count_to, 3).map([](int i) { return i < 2 ? i : throw std::out_of_range("f"); }));
              }),
              "f");
    EXPECT_EQ(alive, 0);

    int made = 0;
    Stream<Ints> slow = generate(count_forever, std::ref(made)).filter([](int i) { return i > 0; }).batch(10);
    slow.next();
    sleep(100s);
    EXPECT_LE(made, 31);  // 10 taken, 10 in the next batch, 9 behind it, one on its way and one ahead
    slow.close();
    EXPECT_EQ(alive, 0);
  });
}

// A subscriber for each of `seen`, which gets what that one sees.
void subscribe_each(TaskNursery& tasks, Stream<int>& first, std::vector<Ints>& seen) {
  for (Ints& mine : seen) {
    tasks.start_soon(
        [&mine](Stream<int> stream) {
          for (int i : stream) mine.push_back(i);
        },
        first.subscribe());
  }
}

TEST(StreamOperators, A19_twenty_subscribers_each_see_every_item) {
  run_virtual([] {
    std::vector<Ints> seen(20);
    Stream<int> first = generate(count_to, 1000);
    open_task_nursery([&](TaskNursery& t) { subscribe_each(t, first, seen); });
    Ints expected(1000);
    std::iota(expected.begin(), expected.end(), 1);
    for (const Ints& mine : seen) EXPECT_EQ(mine, expected);
    EXPECT_EQ(error_of([&] { first.next(); }), "this subscriber was too slow: it has missed 936 items");
    EXPECT_EQ(first.next(), 937);
  });
}

TEST(StreamOperators, A19_a_subscriber_that_lags_is_told_and_the_others_are_not_held_up) {
  run_virtual([] {
    int made = 0;
    Stream<int> fast = generate(count_forever, std::ref(made));
    Stream<int> slow = fast.subscribe(10);
    for (int i = 1; i <= 15; ++i) EXPECT_EQ(fast.next(), i);
    try {
      slow.next();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Lagged& e) {
      EXPECT_EQ(e.missed(), 5U);
    }
    for (int i = 6; i <= 20; ++i) EXPECT_EQ(slow.next(), i);
    EXPECT_EQ(fast.next(), 16);
    fast.close();
    EXPECT_EQ(slow.next(), 21);
    slow.close();
    EXPECT_EQ(alive, 0);
  });
}

TEST(StreamOperators, A19_one_that_is_made_of_a_lagging_one_goes_on_too) {
  run_virtual([] {
    int made = 0;
    Stream<int> fast = generate(count_forever, std::ref(made));
    Stream<int> slow = fast.subscribe(10).map([](int i) { return -i; });
    Stream<int> slow_too = slow.subscribe();
    for (int i = 1; i <= 15; ++i) fast.next();
    EXPECT_THROW(slow.next(), Lagged);
    EXPECT_EQ(slow.next(), -6);
    EXPECT_EQ(slow_too.next(), -6);
  });
}

TEST(StreamOperators, a_subscriber_that_is_cancelled_while_it_asks_lets_another_ask) {
  run_virtual([] {
    Stream<int> first = generate(at_times, Ints{1000, 2000});
    Stream<int> second = first.subscribe();
    Ints seen;
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] { move_on_after(500ms, [&] { first.next(); }); });
      t.start_soon([&] {
        for (int i : second) seen.push_back(i);
      });
    });
    EXPECT_EQ(seen, (Ints{1000, 2000}));
    EXPECT_EQ(first.next(), 1000);
  });
}

TEST(StreamOperators, everything_holds_in_any_order_of_ready_tasks) {
  run_in_many_orders(200, [] {
    std::vector<Ints> seen(3);
    Stream<int> first = merge(generate(count_to, 20), generate(count_to, 20)).subscribe();
    open_task_nursery([&](TaskNursery& t) {
      subscribe_each(t, first, seen);
      t.start_soon([](Stream<int> stream) { stream.next(); }, first.subscribe());
    });
    for (const Ints& mine : seen) {
      EXPECT_EQ(mine, seen.front());
      EXPECT_EQ(std::accumulate(mine.begin(), mine.end(), 0), 420);
    }
    first.close();
    EXPECT_EQ(alive, 0);
  });
}

}  // namespace
}  // namespace tractor
