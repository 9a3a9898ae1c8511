#include "runtime/task/scheduler.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "runtime/task/sanitizers.h"
#include "runtime/task/sync.h"
#include "runtime/task/task_nursery.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

TEST(Scheduler, throws_what_main_threw) {
  EXPECT_THROW(run_virtual([] { throw std::runtime_error("main"); }), std::runtime_error);
  EXPECT_THROW(run_virtual([] { throw 42; }), int);
}

TEST(Scheduler, may_run_again) {
  VirtualPort port;
  Scheduler scheduler(port);
  int runs = 0;
  for (int i = 0; i < 3; ++i) scheduler.run([&] { sleep(1s), ++runs; });
  EXPECT_THROW(scheduler.run([] { throw 1; }), int);
  scheduler.run([&] { ++runs; });
  EXPECT_EQ(runs, 4);
  EXPECT_EQ(scheduler.statistics().tasks_alive, 0U);
  EXPECT_EQ(scheduler.statistics().tasks_started, 5U);
}

TEST(Scheduler, is_current_on_its_thread_only_and_while_it_runs) {
  EXPECT_EQ(Scheduler::try_current(), nullptr);
  EXPECT_THROW(Scheduler::current(), UsageError);
  VirtualPort port;
  Scheduler scheduler(port);
  EXPECT_FALSE(scheduler.on_loop_thread());
  scheduler.run([&] {
    EXPECT_EQ(&Scheduler::current(), &scheduler);
    EXPECT_TRUE(scheduler.on_loop_thread());
    std::thread([&] {
      EXPECT_EQ(Scheduler::try_current(), nullptr);
      EXPECT_FALSE(scheduler.on_loop_thread());
    }).join();
  });
  EXPECT_EQ(Scheduler::try_current(), nullptr);
}

TEST(Scheduler, one_thread_runs_one_scheduler) {
  run_virtual([] { EXPECT_THROW(run_virtual([] {}), UsageError); });
  EXPECT_THROW(run_virtual([] { run_virtual([] {}); }), UsageError);
}

TEST(Scheduler, two_threads_run_two_schedulers) {
  auto program = [] {
    run_virtual([] {
      open_task_nursery([](TaskNursery& t) {
        for (int i = 0; i < 10; ++i) t.start_soon([] { sleep(1s); });
      });
    });
  };
  std::thread other(program);
  program();
  other.join();
}

TEST(Scheduler, waiting_outside_a_running_program_is_a_usage_error_that_says_so) {
  try {
    sleep(1s);
    ADD_FAILURE();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("sleep called outside a running program: "), std::string::npos);
  }
  EXPECT_THROW(checkpoint(), UsageError);
  EXPECT_THROW(yield_now(), UsageError);
  EXPECT_THROW(sleep_forever(), UsageError);
  EXPECT_THROW(throw_if_cancelled(), UsageError);
  EXPECT_THROW(current_task_name(), UsageError);
  EXPECT_THROW(Waiter("x").wait_shielded(), UsageError);
  EXPECT_THROW(Event().wait(), UsageError);
}

TEST(Scheduler, waiting_in_a_posted_or_an_abort_function_is_a_usage_error) {
  run_virtual([] {
    int refused = 0;
    auto try_to_wait = [&] {
      try {
        checkpoint();
      } catch (const UsageError&) {
        ++refused;
      }
    };
    Scheduler::current().post(try_to_wait);
    sleep(1s);
    move_on_after(1s, [&] {
      Waiter waiter("nothing");
      waiter.wait([&] {
        try_to_wait();
        return Abort::kDone;
      });
    });
    EXPECT_EQ(refused, 2);
  });
}

TEST(Scheduler, time_jumps_when_all_tasks_wait) {
  run_virtual([] {
    const auto start = Clock::now();
    std::vector<int> order;
    open_task_nursery([&](TaskNursery& t) {
      for (const int hours : {30, 10, 20}) {
        t.start_soon([&order, hours] {
          sleep(std::chrono::hours(hours));
          order.push_back(hours);
        });
      }
    });
    EXPECT_EQ(order, (std::vector{10, 20, 30}));
    EXPECT_EQ(Clock::now() - start, 30h);
  });
}

TEST(Scheduler, sleepers_of_one_deadline_wake_in_the_order_in_which_they_lay_down) {
  run_virtual([] {
    std::vector<int> order;
    open_task_nursery([&](TaskNursery& t) {
      for (int i = 0; i < 10; ++i) {
        t.start_soon([&order, i] {
          sleep(1s);
          order.push_back(i);
        });
      }
    });
    EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  });
}

TEST(Scheduler, deadlines_fire_while_tasks_are_busy) {
  struct RealTime : EventPort {
    Clock::time_point now() const override {
      return Clock::time_point(std::chrono::steady_clock::now().time_since_epoch());
    }
    void poll(Clock::time_point) override { ++polls; }
    void ring() override {}
    int polls = 0;
  } port;
  Scheduler scheduler(port);
  scheduler.run([] {
    auto scope = move_on_after(2ms, [] {
      while (true) checkpoint();
    });
    EXPECT_TRUE(scope.cancelled_caught());
  });
  EXPECT_GE(port.polls, 10);
}

TEST(Scheduler, polls_at_least_every_256_switches_while_tasks_are_busy) {
  struct Frozen : EventPort {
    Clock::time_point now() const override { return Clock::time_point(1s); }
    void poll(Clock::time_point) override { ++polls; }
    void ring() override {}
    int polls = 0;
  } port;
  Scheduler scheduler(port);
  scheduler.run([] {
    open_task_nursery([](TaskNursery& t) {
      for (int k = 0; k < 3; ++k) {
        t.start_soon([] {
          for (int i = 0; i < 1000; ++i) yield_now();
        });
      }
    });
  });
  EXPECT_GE(port.polls, 3000 / 256);
  EXPECT_LE(port.polls, 3000 / 256 + 5);
}

TEST(Scheduler, names_tasks) {
  run_virtual([] {
    EXPECT_EQ(current_task_name(), "main#1");
    open_task_nursery([](TaskNursery& t) {
      t.start_named("donny", [] {
        EXPECT_EQ(current_task_name(), "donny#2");
        name_current_task("walter");
        EXPECT_EQ(current_task_name(), "walter#2");
      });
      t.start_soon([] { EXPECT_EQ(current_task_name(), "task#3"); });
    });
  });
}

TEST(Scheduler, a_program_in_which_nothing_can_happen_any_more_aborts_and_says_why) {
  EXPECT_DEATH(run_virtual([] { Event().wait(); }), "deadlock.*\n.*main#1 waits for Event");
}

#ifndef TRACTOR_SANITIZED  // which reports overflows in its own words
TEST(Scheduler, overflowing_a_stack_dies_at_the_guard_page_and_names_the_task) {
  EXPECT_DEATH(run_virtual([] {
                 std::function<int(int)> down = [&](int depth) {
                   volatile char frame[512] = {};
                   frame[0] = static_cast<char>(depth);
                   return depth == 0 ? 0 : down(depth - 1) + frame[0];
                 };
                 open_task_nursery([&](TaskNursery& t) { t.start_named("donny", [&] { down(1'000'000); }); });
               }),
               "task \"donny\" .#2. overflowed its stack of 252 KiB");
}

TEST(Scheduler, a_frame_that_is_larger_than_the_guard_page_does_not_step_over_it) {
  const auto fill = [] {
    volatile char frame[std::size_t{300} << 10];
    for (volatile char& byte : frame) byte = 1;
  };
  EXPECT_DEATH(run_virtual([&] { open_task_nursery([&](TaskNursery& t) { t.start_named("donny", fill); }); }),
               "task \"donny\" .#2. overflowed its stack");
}

TEST(Scheduler, a_fault_that_somebody_sends_ends_the_process_the_first_time) {
  EXPECT_EXIT(run_virtual([] { raise(SIGSEGV); }), testing::KilledBySignal(SIGSEGV), "");
}
#endif

}  // namespace
}  // namespace tractor
