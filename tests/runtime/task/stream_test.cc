// Streams from generators in this process; on virtual time.
#include "runtime/task/stream.h"

#include <gtest/gtest.h>

#include <numeric>

#include "runtime/task/generator.h"
#include "runtime/task/sync.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

// What is alive, and has been told, of the generators below.
int alive = 0;
struct Alive {
  Alive() { ++alive; }
  Alive(const Alive&) = delete;
  ~Alive() { --alive; }
};

void count_to(Yield<int>& yield, int last) {
  const Alive here;
  for (int i = 1; i <= last; ++i) yield(i);
}
void count_forever(Yield<int>& yield, int& made) {
  const Alive here;
  for (int i = 1;; ++i) {
    made = i;
    yield(i);
  }
}
void count_then_fail(Yield<int>& yield, int last) {
  count_to(yield, last);
  throw std::runtime_error("the film is torn");
}
// An item at each of these times, in ms from the start.
void at_times(Yield<int>& yield, const std::vector<int>& times) {
  const Clock::time_point start = Clock::now();
  for (int time : times) {
    sleep_until(start + std::chrono::milliseconds(time));
    yield(time);
  }
}

template <class T>
std::vector<T> all(Stream<T> stream) {
  std::vector<T> items;
  for (T& item : stream) items.push_back(std::move(item));
  return items;
}
using Ints = std::vector<int>;

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "nothing was thrown";
}

TEST(Stream, brings_all_items_in_order_and_ends_and_stays_ended) {
  run_virtual([] {
    Stream<int> stream = generate(count_to, 3);
    EXPECT_EQ(stream.next(), 1);
    EXPECT_EQ(stream.next(), 2);
    EXPECT_EQ(stream.next(), 3);
    EXPECT_EQ(stream.next(), std::nullopt);
    EXPECT_EQ(stream.next(), std::nullopt);
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(all(generate(count_to, 0)), Ints{});
  });
}

TEST(Stream, an_error_after_three_items_arrives_after_three_items) {
  run_virtual([] {
    Stream<int> stream = generate(count_then_fail, 3);
    for (int i = 1; i <= 3; ++i) EXPECT_EQ(stream.next(), i);
    EXPECT_EQ(error_of([&] { stream.next(); }), "the film is torn");
    EXPECT_EQ(error_of([&] { stream.next(); }), "the film is torn");  // again
  });
}

TEST(Stream, leaving_the_loop_ends_the_generator_and_waits_for_its_unwinding) {
  run_virtual([] {
    int made = 0;
    for (int i : generate(count_forever, std::ref(made))) {
      EXPECT_EQ(alive, 1);
      if (i == 3) break;
    }
    EXPECT_EQ(alive, 0);
  });
}

TEST(Stream, a_generator_that_cleans_up_in_a_shield_is_waited_for) {
  run_virtual([] {
    bool cleaned_up = false;
    for (int i : generate(
             [](Yield<int>&yield, bool&done) {
               try {
                 yield(1);
                 yield(2);
                 yield(3);
               } catch (const Cancelled&) {
                 CancelScope({.shield = true}).run([] { sleep(200ms); });
                 done = true;
                 throw;
               }
             },
             std::ref(cleaned_up))) {
      if (i == 1) break;
    }
    EXPECT_TRUE(cleaned_up);
  });
}

TEST(Stream, a_generator_is_at_most_one_item_ahead) {
  run_virtual([] {
    int made = 0;
    Stream<int> stream = generate(count_forever, std::ref(made));
    sleep(1s);
    EXPECT_EQ(made, 1);
    for (int i = 1; i < 10; ++i) {
      stream.next();
      sleep(1s);
      EXPECT_EQ(made, i + 1);
    }
  });
}

TEST(Stream, a_generator_may_yield_inside_a_nursery) {
  run_virtual([] {
    const Ints items = all(generate([](Yield<int>& yield) {
      open_task_nursery([&](TaskNursery& t) {
        Event told;
        auto [send, receive] = open_memory_channel<int>(0);
        t.start_soon(
            [](SendChannel<int> out) {
              for (int i = 0; i < 3; ++i) out.send(i);
            },
            std::move(send));
        for (int i : receive) yield(i * i);
      });
    }));
    EXPECT_EQ(items, (Ints{0, 1, 4}));
  });
}

TEST(Stream, a_wait_that_is_cut_short_loses_no_item) {
  run_virtual([] {
    Stream<int> stream = generate(at_times, Ints{1000, 2000, 3000});
    Ints items;
    for (int i = 0; i < 10; ++i) {
      move_on_after(400ms, [&] {
        if (const auto item = stream.next()) items.push_back(*item);
      });
    }
    EXPECT_EQ(items, (Ints{1000, 2000, 3000}));
  });
}

TEST(Stream, a_cancelled_scope_ends_the_generators_that_were_started_in_it) {
  run_virtual([] {
    int made = 0;
    const CancelScope scope = move_on_after(1s, [&] {
      Stream<int> stream = generate(count_forever, std::ref(made));
      while (true) {
        stream.next();
        sleep(100ms);
      }
    });
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_EQ(alive, 0);
    EXPECT_GE(made, 9);
  });
}

TEST(Stream, lives_on_outside_of_the_block_in_which_it_was_opened) {
  run_virtual([] {
    std::optional<Stream<int>> stream;
    CancelScope inner;
    inner.run([&] { stream = generate(count_to, 3); });
    inner.cancel();  // is over
    EXPECT_EQ(stream->next(), 1);
    const CancelScope outer = move_on_after(1s, [&] {
      CancelScope middle;
      middle.run([&] { stream = generate(at_times, Ints{0, 5000}); });
      EXPECT_EQ(stream->next(), 0);
      stream->next();
    });
    EXPECT_TRUE(outer.cancelled_caught());  // and with it the generator, which is inside that block now
    EXPECT_EQ(stream->next(), std::nullopt);
  });
}

TEST(Stream, close_throws_what_ending_the_generator_fails_with) {
  run_virtual([] {
    const auto fail_at_end = [](Yield<int>& yield) {
      try {
        yield(1);
        yield(2);
      } catch (const Cancelled&) {
        throw std::runtime_error("the light stayed on");
      }
    };
    Stream<int> stream = generate(fail_at_end);
    EXPECT_EQ(stream.next(), 1);
    EXPECT_EQ(error_of([&] { stream.close(); }), "the light stayed on");
    stream.close();
    EXPECT_EQ(error_of([&] { stream.next(); }), "this stream was closed, or moved from");

    // Where it just goes, the nursery around has it.
    testing::internal::CaptureStderr();
    EXPECT_EQ(error_of([&] {
                open_task_nursery([&](TaskNursery& /*t*/) {
                  Stream<int> goes = generate(fail_at_end);
                  goes.next();
                });
              }),
              "the light stayed on");
    EXPECT_NE(testing::internal::GetCapturedStderr().find("the light stayed on"), std::string::npos);
  });
}

TEST(Stream, is_combined) {
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

TEST(Stream, take_ends_the_producer_and_zip_ends_the_longer_stream) {
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

TEST(Stream, what_came_before_an_error_comes_before_it_also_through_operators_with_tasks) {
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

TEST(Stream, an_item_that_waits_when_another_source_fails_still_comes) {
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

TEST(Stream, zip_throws_what_either_side_fails_with_when_it_is_ended) {
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
    EXPECT_EQ(alive, 0);
  });
}

TEST(Stream, that_a_generator_has_made_goes_on_after_its_end) {
  run_virtual([] {
    Stream<Stream<int>> outer = generate([](Yield<Stream<int>>& yield) { yield(generate(count_to, 5)); });
    Stream<int> inner = std::move(*outer.next());
    EXPECT_EQ(inner.next(), 1);
    EXPECT_FALSE(outer.next());
    EXPECT_EQ(all(std::move(inner)), (Ints{2, 3, 4, 5}));
  });
}

TEST(Stream, that_is_being_cancelled_does_not_go_on_when_its_scope_is_left) {
  run_virtual([] {
    Stream<int> stream = [] {
      std::optional<Stream<int>> made;
      move_on_after(1s, [&] {
        made = generate([](Yield<int>& yield) {
          open_task_nursery([&](TaskNursery& tasks) {
            tasks.start_soon([] {
              try {
                sleep_forever();
              } catch (const Cancelled&) {
                CancelScope({.shield = true}).run([] { sleep(100ms); });
                throw;
              }
            });
            for (int i = 1;; ++i) {
              yield(i);
              sleep(300ms);
            }
          });
          yield(1000);
        });
        while (made->next()) {
        }
      });
      return std::move(*made);
    }();
    Ints later;
    for (int i : stream) later.push_back(i);
    EXPECT_EQ(later, Ints{});
  });
}

TEST(Stream, batch_gives_what_has_come_when_it_is_enough_or_time) {
  run_virtual([] {
    EXPECT_EQ(all(generate(count_to, 7).batch(3)), (std::vector<Ints>{{1, 2, 3}, {4, 5, 6}, {7}}));
    EXPECT_EQ(all(generate(at_times, Ints{0, 100, 200, 2000, 2100}).batch(2, 1s)),
              (std::vector<Ints>{{0, 100}, {200}, {2000, 2100}}));
    EXPECT_EQ(all(generate(count_to, 2).batch(1)), (std::vector<Ints>{{1}, {2}}));
    EXPECT_EQ(error_of([] { generate(count_to, 1).batch(0); }), "Stream::batch: the count must be at least 1");
  });
}

TEST(Stream, throttle_and_debounce_drop_items_that_come_close_to_each_other) {
  run_virtual([] {
    const Ints times = {0, 100, 200, 1000, 1900, 2000, 5000};
    EXPECT_EQ(all(generate(at_times, times).throttle(1s)), (Ints{0, 1000, 2000, 5000}));
    EXPECT_EQ(all(generate(at_times, times).debounce(500ms)), (Ints{200, 1000, 2000, 5000}));
    EXPECT_EQ(all(generate(at_times, Ints{}).debounce(500ms)), Ints{});
  });
}

TEST(Stream, combined_streams_keep_errors_cancellation_and_back_pressure) {
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

TEST(Stream, A19_twenty_subscribers_each_see_every_item) {
  run_virtual([] {
    std::vector<Ints> seen(20);
    Stream<int> first = generate(count_to, 1000);
    open_task_nursery([&](TaskNursery& t) {
      for (Ints& mine : seen) {
        t.start_soon(
            [&mine](Stream<int> stream) {
              for (int i : stream) mine.push_back(i);
            },
            first.subscribe());
      }
    });
    Ints expected(1000);
    std::iota(expected.begin(), expected.end(), 1);
    for (const Ints& mine : seen) EXPECT_EQ(mine, expected);
    EXPECT_EQ(error_of([&] { first.next(); }), "this subscriber was too slow: it has missed 936 items");
    EXPECT_EQ(first.next(), 937);
  });
}

TEST(Stream, A19_a_subscriber_that_lags_is_told_and_the_others_are_not_held_up) {
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

TEST(Stream, A19_one_that_is_made_of_a_lagging_one_goes_on_too) {
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

TEST(Stream, a_subscriber_that_is_cancelled_while_it_asks_lets_another_ask) {
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

TEST(Stream, everything_holds_in_any_order_of_ready_tasks) {
  run_in_many_orders(200, [] {
    std::vector<Ints> seen(3);
    Stream<int> first = merge(generate(count_to, 20), generate(count_to, 20)).subscribe();
    open_task_nursery([&](TaskNursery& t) {
      for (Ints& mine : seen) {
        t.start_soon(
            [&mine](Stream<int> stream) {
              for (int i : stream) mine.push_back(i);
            },
            first.subscribe());
      }
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
