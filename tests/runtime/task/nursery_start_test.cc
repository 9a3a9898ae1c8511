// TaskNursery::start.
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "runtime/task/scheduler.h"
#include "runtime/task/sync.h"
#include "runtime/task/task_nursery.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

Clock::duration elapsed(Clock::time_point since) { return Clock::now() - since; }

TEST(NurseryStart, waits_until_the_task_is_ready_and_returns_what_it_gives) {
  run_virtual([] {
    const auto start = Clock::now();
    bool served = false;
    open_task_nursery([&](TaskNursery& t) {
      const int port = t.start<int>([&](TaskStatus<int>& status) {
        sleep(1s);
        status.started(7);
        sleep(5s);
        served = true;
      });
      EXPECT_EQ(port, 7);
      EXPECT_EQ(elapsed(start), 1s);
      EXPECT_EQ(t.task_count(), 1);
    });
    EXPECT_TRUE(served);
    EXPECT_EQ(elapsed(start), 6s);
  });
}

TEST(NurseryStart, the_value_may_be_nothing_and_move_only_and_arguments_follow_the_status) {
  run_virtual([] {
    std::string got;
    open_task_nursery([&](TaskNursery& t) {
      t.start(
          [&got](TaskStatus<void>& status, const std::string& a, std::unique_ptr<int> b) {
            got = a + std::to_string(*b);
            status.started();
          },
          "argument ", std::make_unique<int>(1));
      EXPECT_EQ(got, "argument 1");
      const auto value = t.start<std::unique_ptr<int>>(
          [](TaskStatus<std::unique_ptr<int>>& status) { status.started(std::make_unique<int>(2)); });
      EXPECT_EQ(*value, 2);
    });
  });
}

TEST(NurseryStart, A51_a_task_that_fails_before_it_is_ready_fails_its_starter_and_not_the_nursery) {
  run_virtual([] {
    bool sibling_ended = false;
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] {
        sleep(2s);
        sibling_ended = true;
      });
      EXPECT_THROW(t.start([](TaskStatus<void>&) {
        sleep(1s);
        throw std::runtime_error("no port is free");
      }),
                   std::runtime_error);
      EXPECT_EQ(t.task_count(), 1);
      EXPECT_FALSE(currently_cancelled());
    });
    EXPECT_TRUE(sibling_ended);
  });
}

TEST(NurseryStart, a_task_that_fails_after_it_is_ready_fails_the_nursery) {
  run_virtual([] {
    bool started = false;
    EXPECT_THROW(open_task_nursery([&](TaskNursery& t) {
                   t.start([](TaskStatus<void>& status) {
                     status.started();
                     throw std::runtime_error("later");
                   });
                   started = true;
                   sleep_forever();
                 }),
                 std::runtime_error);
    EXPECT_TRUE(started);
  });
}

TEST(NurseryStart, a_task_that_returns_without_a_word_is_an_error) {
  run_virtual([] {
    open_task_nursery([](TaskNursery& t) {
      try {
        t.start<int>([](TaskStatus<int>&) {});
        ADD_FAILURE();
      } catch (const UsageError& error) {
        EXPECT_STREQ(error.what(), "start: the task ended without having called started()");
      }
    });
  });
}

TEST(NurseryStart, being_ready_twice_is_a_usage_error) {
  run_virtual([] {
    open_task_nursery([](TaskNursery& t) {
      EXPECT_EQ(t.start<int>([](TaskStatus<int>& status) {
        status.started(1);
        EXPECT_THROW(status.started(2), UsageError);
        sleep(1s);  // its starter has gone on
        EXPECT_THROW(status.started(3), UsageError);
      }),
                1);
    });
  });
}

TEST(NurseryStart, cancelled_it_cancels_the_task_and_waits_for_its_clean_up) {
  run_virtual([] {
    const auto start = Clock::now();
    bool cleaned_up = false;
    open_task_nursery([&](TaskNursery& t) {
      auto scope = move_on_after(1s, [&] {
        t.start([&](TaskStatus<void>&) {
          try {
            sleep_forever();
          } catch (const Cancelled&) {
            CancelScope shielded({.shield = true});
            shielded.run([] { sleep(2s); });
            cleaned_up = true;
            throw;
          }
        });
        ADD_FAILURE();
      });
      EXPECT_TRUE(scope.cancelled_caught());
      EXPECT_TRUE(cleaned_up);
      EXPECT_EQ(elapsed(start), 3s);
      EXPECT_EQ(t.task_count(), 0);
    });
  });
}

TEST(NurseryStart, a_task_that_is_ready_too_late_stays_with_its_cancelled_starter) {
  run_virtual([] {
    open_task_nursery([](TaskNursery& t) {
      auto scope = move_on_after(1s, [&] {
        t.start<int>([](TaskStatus<int>& status) {
          CancelScope shielded({.shield = true});
          shielded.run([] { sleep(2s); });
          status.started(1);
          checkpoint();
          ADD_FAILURE();
        });
        ADD_FAILURE();
      });
      EXPECT_TRUE(scope.cancelled_caught());
      EXPECT_EQ(t.task_count(), 0);
    });
  });
}

TEST(NurseryStart, until_it_is_ready_the_task_is_in_its_starters_scopes_and_then_in_the_nurserys) {
  run_virtual([] {
    const auto now = Clock::now();
    bool ended = false;
    open_task_nursery([&](TaskNursery& t) {
      t.cancel_scope().set_deadline(now + 50s);
      auto scope = move_on_after(10s, [&] {
        t.start([&](TaskStatus<void>& status) {
          EXPECT_EQ(current_effective_deadline(), now + 10s);
          status.started();
          EXPECT_EQ(current_effective_deadline(), now + 50s);
          sleep(20s);
          ended = true;
        });
        sleep_forever();
      });
      EXPECT_EQ(elapsed(now), 10s);
    });
    EXPECT_TRUE(ended);
  });
}

TEST(NurseryStart, cancelling_the_nursery_does_not_reach_a_task_that_is_not_ready) {
  run_virtual([] {
    const auto start = Clock::now();
    open_task_nursery([&](TaskNursery& outer) {
      TaskNursery target;
      Event ready;
      outer.start_soon([&] {
        ready.wait();
        EXPECT_EQ(target.start<int>([&](TaskStatus<int>& status) {
          sleep(2s);
          EXPECT_FALSE(currently_cancelled());
          status.started(1);
          EXPECT_TRUE(currently_cancelled());
          checkpoint();
          ADD_FAILURE();
        }),
                  1);
      });
      target.run([&] {
        ready.set();
        sleep(1s);
        target.cancel_scope().cancel();
      });
      EXPECT_EQ(elapsed(start), 2s) << "the nursery stays open for what is being started";
    });
  });
}

// What the task has opened itself goes with it.
TEST(NurseryStart, scopes_and_nurseries_that_the_task_is_in_move_with_it) {
  run_virtual([] {
    const auto now = Clock::now();
    int cancelled = 0;
    auto wait = [&] { wait_and_count(cancelled); };
    open_task_nursery([&](TaskNursery& t) {
      CancelScope starter;
      starter.run([&] {
        t.start([&](TaskStatus<void>& status) {
          move_on_after(100s, [&] {
            open_task_nursery([&](TaskNursery& inner) {
              inner.start_soon(wait);
              yield_now();
              status.started();
              wait();
            });
          });
        });
        starter.cancel();
      });
      sleep(1s);
      EXPECT_EQ(cancelled, 0);
      t.cancel_scope().cancel();
    });
    EXPECT_EQ(cancelled, 2);
    EXPECT_EQ(elapsed(now), 1s);
  });
}

TEST(NurseryStart, another_task_may_say_that_it_is_ready) {
  run_virtual([] {
    open_task_nursery([](TaskNursery& t) {
      Event done;
      t.cancel_scope().set_deadline(deadline_after(5s));
      t.start([&](TaskStatus<void>& status) {
        open_task_nursery([&](TaskNursery& inner) {
          inner.start_soon([&] {
            sleep(1s);
            t.cancel_scope().cancel();
            status.started();  // into a cancelled nursery
          });
          sleep_forever();
        });
      });
    });
  });
}

TEST(NurseryStart, a_nursery_that_has_ended_or_a_caller_that_is_no_task_is_a_usage_error) {
  run_virtual([] {
    TaskNursery nursery;
    const auto task = [](TaskStatus<void>& status) { status.started(); };
    EXPECT_THROW(nursery.start(task), UsageError);
    nursery.run([&] {
      Scheduler::current().post([&] { EXPECT_THROW(nursery.start(task), UsageError); });
      sleep(1s);
    });
    EXPECT_THROW(nursery.start(task), UsageError);
  });
}

}  // namespace
}  // namespace tractor
