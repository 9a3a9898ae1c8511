#include "runtime/task/task_nursery.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "runtime/task/scheduler.h"
#include "runtime/task/sync.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

Clock::duration elapsed(Clock::time_point since) { return Clock::now() - since; }

TEST(TaskNursery, ends_when_its_body_and_all_its_tasks_have_ended) {
  run_virtual([] {
    const auto start = Clock::now();
    open_task_nursery([](TaskNursery& t) {
      t.start_soon([] { sleep(3s); });
      t.start_soon([] { sleep(1s); });
      EXPECT_EQ(t.task_count(), 2);
      sleep(2s);
      EXPECT_EQ(t.task_count(), 1);
    });
    EXPECT_EQ(elapsed(start), 3s);
  });
}

TEST(TaskNursery, tasks_start_in_order_at_the_callers_next_checkpoint) {
  run_virtual([] {
    std::vector<int> order;
    open_task_nursery([&](TaskNursery& t) {
      for (int i = 0; i < 5; ++i) t.start_soon([&order](int n) { order.push_back(n); }, i);
      EXPECT_TRUE(order.empty());
      yield_now();
      EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4}));
    });
  });
}

TEST(TaskNursery, arguments_are_decay_copied_and_may_be_move_only) {
  run_virtual([] {
    std::string got;
    open_task_nursery([&](TaskNursery& t) {
      std::string local = "copied";
      t.start_soon([&got](const std::string& text, std::unique_ptr<int> n) { got = text + std::to_string(*n); }, local,
                   std::make_unique<int>(7));
      local = "changed";
      t.start_soon([held = std::make_unique<int>(1)] { EXPECT_EQ(*held, 1); });
    });
    EXPECT_EQ(got, "copied7");
  });
}

TEST(TaskNursery, returns_the_bodys_value) {
  run_virtual([] {
    EXPECT_EQ(open_task_nursery([](TaskNursery&) { return 5; }), 5);
    EXPECT_EQ(*open_task_nursery([](TaskNursery& t) {
      t.start_soon([] { sleep(1s); });
      return std::make_unique<int>(6);
    }),
              6);
  });
}

TEST(TaskNursery, closing_lets_others_run_even_when_there_is_nothing_to_wait_for) {
  run_virtual([] {
    bool ran = false;
    open_task_nursery([&ran](TaskNursery& t) {
      t.start_soon([&ran] { ran = true; });
      open_task_nursery([](TaskNursery&) {});
      EXPECT_TRUE(ran);
    });
  });
}

TEST(TaskNursery, cancelling_its_scope_ends_it_without_an_error) {
  run_virtual([] {
    TaskNursery nursery;
    nursery.run([&] {
      nursery.start_soon([] { sleep_forever(); });
      nursery.cancel_scope().cancel();
      sleep_forever();
    });
    EXPECT_TRUE(nursery.cancel_scope().cancelled_caught());
  });
}

TEST(TaskNursery, A51_a_child_may_cancel_the_scope_it_is_in) {
  run_virtual([] {
    const auto start = Clock::now();
    open_task_nursery([](TaskNursery& t) {
      t.start_soon([&t] {
        sleep(1s);
        t.cancel_scope().cancel();
        EXPECT_TRUE(currently_cancelled());
        checkpoint();
        ADD_FAILURE();
      });
      t.start_soon([] { sleep_forever(); });
    });
    EXPECT_EQ(elapsed(start), 1s);
  });
}

TEST(TaskNursery, outer_cancellation_reaches_its_tasks_and_passes_through) {
  run_virtual([] {
    bool after = false;
    auto scope = move_on_after(1s, [&] {
      open_task_nursery([](TaskNursery& t) {
        t.start_soon([] { sleep_forever(); });
        t.start_soon([] { open_task_nursery([](TaskNursery& inner) { inner.start_soon([] { sleep_forever(); }); }); });
      });
      after = true;
    });
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_FALSE(after);
  });
}

TEST(TaskNursery, A51_the_wait_at_its_end_never_gives_up) {
  run_virtual([] {
    const auto start = Clock::now();
    bool finished = false;
    auto scope = move_on_after(1s, [&] {
      open_task_nursery([&](TaskNursery& t) {
        t.start_soon([&] {
          CancelScope shielded({.shield = true});
          shielded.run([&] {
            sleep(5s);
            finished = true;
          });
        });
      });
      ADD_FAILURE();
    });
    EXPECT_TRUE(finished);
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_EQ(elapsed(start), 5s);
  });
}

TEST(TaskNursery, A51_cancelled_during_the_wait_at_its_end_its_tasks_are_cancelled_and_it_throws_cancelled) {
  run_virtual([] {
    CancelScope outer;
    int cancelled = 0;
    open_task_nursery([&](TaskNursery& watcher) {
      watcher.start_soon([&] {
        sleep(1s);
        outer.cancel();
      });
      outer.run([&] {
        try {
          open_task_nursery([&](TaskNursery& t) {
            t.start_soon([&] {
              try {
                sleep_forever();
              } catch (const Cancelled&) {
                ++cancelled;
                throw;
              }
            });
          });
          ADD_FAILURE();
        } catch (const Cancelled&) {
          ++cancelled;
          throw;
        }
      });
    });
    EXPECT_EQ(cancelled, 2);
    EXPECT_TRUE(outer.cancelled_caught());
  });
}

TEST(TaskNursery, a_task_that_ends_by_itself_while_cancelled_is_no_error) {
  run_virtual([] {
    auto scope = move_on_after(1s, [] {
      open_task_nursery([](TaskNursery& t) {
        t.start_soon([] {
          try {
            sleep_forever();
          } catch (const Cancelled&) {  // swallowed
          }
        });
      });
    });
    EXPECT_TRUE(scope.cancelled_caught());
  });
}

TEST(TaskNursery, A51_inside_a_shielded_scope_it_is_out_of_reach) {
  run_virtual([] {
    const auto start = Clock::now();
    CancelScope outer;
    outer.run([&] {
      outer.cancel();
      CancelScope shielded({.shield = true});
      shielded.run([] {
        open_task_nursery([](TaskNursery& t) {
          t.start_soon([] { sleep(1s); });
          t.start_soon([] { EXPECT_FALSE(currently_cancelled()); });
        });
      });
      EXPECT_EQ(elapsed(start), 1s);
      checkpoint();
      ADD_FAILURE();
    });
  });
}

TEST(TaskNursery, a_task_is_in_the_nurserys_scope_wherever_it_was_started_from) {
  run_virtual([] {
    const auto start = Clock::now();
    open_task_nursery([&](TaskNursery& outer) {
      auto inner = move_on_after(1s, [&] {
        outer.start_soon([&] {
          sleep(2s);
          EXPECT_EQ(elapsed(start), 2s);
        });
        sleep_forever();
      });
      EXPECT_TRUE(inner.cancelled_caught());
      EXPECT_EQ(elapsed(start), 1s);
    });
    EXPECT_EQ(elapsed(start), 2s);
  });
}

TEST(TaskNursery, a_task_started_in_a_cancelled_nursery_runs_to_its_first_checkpoint) {
  run_virtual([] {
    bool ran = false;
    open_task_nursery([&](TaskNursery& t) {
      t.cancel_scope().cancel();
      t.start_soon([&] {
        ran = true;
        checkpoint();
        ADD_FAILURE();
      });
    });
    EXPECT_TRUE(ran);
  });
}

TEST(TaskNursery, tasks_may_start_more_tasks_while_the_nursery_waits) {
  run_virtual([] {
    int ran = 0;
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] {
        sleep(1s);
        t.start_soon([&] {
          sleep(1s);
          ++ran;
        });
        ++ran;
      });
    });
    EXPECT_EQ(ran, 2);
  });
}

TEST(TaskNursery, A51_a_body_cut_short_by_its_own_nursery_has_no_value) {
  run_virtual([] {
    EXPECT_THROW(open_task_nursery([](TaskNursery& t) {
                   t.cancel_scope().cancel();
                   checkpoint();
                   return 1;
                 }),
                 NurseryCancelled);
    EXPECT_EQ(open_task_nursery([](TaskNursery& t) {
                t.start_soon([&t] { t.cancel_scope().cancel(); });
                t.start_soon([] { sleep_forever(); });
                return 2;
              }),
              2);
    auto outer = move_on_after(1s, [] {
      open_task_nursery([](TaskNursery&) {
        sleep_forever();
        return 3;
      });
    });
    EXPECT_TRUE(outer.cancelled_caught());
  });
}

TEST(TaskNursery, a_tasks_arguments_die_before_the_nursery_ends_and_may_wait_for_it) {
  struct Slow {
    ~Slow() {
      if (!gone) return;
      sleep(1s);
      *gone = true;
    }
    explicit Slow(bool* g) : gone(g) {}
    Slow(Slow&& other) noexcept : gone(std::exchange(other.gone, nullptr)) {}
    bool* gone;
  };
  run_virtual([] {
    bool gone = false;
    open_task_nursery([&](TaskNursery& t) { t.start_soon([slow = Slow(&gone)] { yield_now(); }); });
    EXPECT_TRUE(gone);
  });
}

TEST(TaskNursery, misuse_is_a_usage_error) {
  TaskNursery outside;
  EXPECT_THROW(outside.run([] {}), UsageError);
  EXPECT_THROW(outside.start_soon([] {}), UsageError);
  run_virtual([] {
    TaskNursery nursery;
    EXPECT_THROW(nursery.start_soon([] {}), UsageError);
    nursery.run([&] {
      EXPECT_THROW(nursery.run([] {}), UsageError);
      std::thread other([&] { EXPECT_THROW(nursery.start_soon([] {}), UsageError); });
      other.join();
    });
    EXPECT_THROW(nursery.start_soon([] {}), UsageError);
    EXPECT_THROW(nursery.run([] {}), UsageError);
  });
}

TEST(TaskNursery, one_that_waits_takes_a_task_that_is_started_after_its_last_one_ended) {
  run_virtual([] {
    TaskNursery inner;
    bool ran = false;
    open_task_nursery([&](TaskNursery& outer) {
      // Runs in the same pass as inner's last task, before inner's owner: the nursery has not ended yet.
      outer.start_soon([&] {
        while (inner.task_count() > 0) yield_now();
        inner.start_soon([&] { ran = true; });
      });
      inner.run([&inner] { inner.start_soon([] { yield_now(); }); });
      EXPECT_TRUE(ran);
      EXPECT_THROW(inner.start_soon([] {}), UsageError);
    });
  });
}

TEST(TaskNursery, a_posted_function_may_start_tasks) {
  run_virtual([] {
    bool ran = false;
    open_task_nursery([&](TaskNursery& t) {
      Scheduler::current().post([&] { t.start_soon([&] { ran = true; }); });
      sleep(1s);
    });
    EXPECT_TRUE(ran);
  });
}

TEST(TaskNursery, closing_one_whose_tasks_have_ended_throws_no_cancelled) {
  run_virtual([] {
    bool after = false;
    CancelScope scope;
    scope.run([&] {
      scope.cancel();
      open_task_nursery([](TaskNursery&) {});
      after = true;
    });
    EXPECT_TRUE(after);
    EXPECT_FALSE(scope.cancelled_caught());
  });
}

TEST(TaskNursery, its_scope_may_be_shielded_and_have_a_deadline) {
  run_virtual([] {
    const auto start = Clock::now();
    TaskNursery nursery;
    auto outer = move_on_after(1s, [&] {
      nursery.run([&] {
        nursery.cancel_scope().set_shield(true);
        nursery.cancel_scope().set_deadline(start + 3s);
        nursery.start_soon([] { sleep_forever(); });
      });
      EXPECT_EQ(elapsed(start), 3s);
      EXPECT_TRUE(nursery.cancel_scope().cancelled_caught());
      checkpoint();
      ADD_FAILURE();
    });
    EXPECT_TRUE(outer.cancelled_caught());
  });
}

}  // namespace
}  // namespace tractor
