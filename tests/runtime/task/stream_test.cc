// Streams from generators in this process; on virtual time.
#include "runtime/task/stream.h"

#include "runtime/task/sync.h"
#include "tests/runtime/task/generators.h"

namespace tractor {
namespace {

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

}  // namespace
}  // namespace tractor
