// Exceptions belong to a stack: tasks that throw, catch and unwind while others do the same must not see each other's.
#include <gtest/gtest.h>

#include <exception>
#include <stdexcept>
#include <string>

#include "runtime/task/scheduler.h"
#include "runtime/task/task_nursery.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

TEST(ExceptionState, tasks_parked_in_catch_blocks_rethrow_their_own_exception) {
  run_virtual([] {
    open_task_nursery([](TaskNursery& t) {
      for (int i = 0; i < 20; ++i) {
        t.start_soon([i] {
          try {
            try {
              throw std::runtime_error("error " + std::to_string(i));
            } catch (const std::runtime_error&) {
              sleep(std::chrono::milliseconds(20 - i));
              try {
                throw i;
              } catch (int n) {
                yield_now();
                EXPECT_EQ(n, i);
              }
              yield_now();
              throw;
            }
          } catch (const std::runtime_error& error) {
            EXPECT_EQ(error.what(), "error " + std::to_string(i));
          }
          EXPECT_EQ(std::current_exception(), nullptr);
        });
      }
    });
  });
}

TEST(ExceptionState, a_task_parked_in_a_catch_block_leaves_no_current_exception_to_others) {
  run_virtual([] {
    open_task_nursery([](TaskNursery& t) {
      t.start_soon([] {
        try {
          throw 1;
        } catch (int) {
          sleep(1s);
          EXPECT_NE(std::current_exception(), nullptr);
        }
      });
      t.start_soon([] {
        EXPECT_EQ(std::current_exception(), nullptr);
        EXPECT_EQ(std::uncaught_exceptions(), 0);
      });
    });
  });
}

struct ParksWhenItGoes {
  ~ParksWhenItGoes() {
    EXPECT_EQ(std::uncaught_exceptions(), 1);
    CancelScope shielded({.shield = true});
    shielded.run([&] { sleep(duration); });
    EXPECT_EQ(std::uncaught_exceptions(), 1);
  }
  Clock::duration duration;
};

TEST(ExceptionState, destructors_that_park_during_unwinding_are_sound) {
  run_virtual([] {
    int caught = 0;
    open_task_nursery([&](TaskNursery& t) {
      for (int i = 0; i < 10; ++i) {
        t.start_soon([&caught, i] {
          try {
            ParksWhenItGoes slow{std::chrono::milliseconds(10 - i)};
            throw std::runtime_error(std::to_string(i));
          } catch (const std::runtime_error& error) {
            EXPECT_EQ(error.what(), std::to_string(i));
            ++caught;
          }
          EXPECT_EQ(std::uncaught_exceptions(), 0);
        });
      }
      for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(std::uncaught_exceptions(), 0);
        yield_now();
      }
    });
    EXPECT_EQ(caught, 10);
  });
}

TEST(ExceptionState, destructors_that_park_while_cancelled_unwinds_are_sound) {
  run_virtual([] {
    const auto start = Clock::now();
    auto scope = move_on_after(1s, [] {
      ParksWhenItGoes slow{2s};
      sleep_forever();
    });
    EXPECT_TRUE(scope.cancelled_caught());
    EXPECT_EQ(Clock::now() - start, 3s);
  });
}

}  // namespace
}  // namespace tractor
