// What a nursery throws.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "runtime/task/scheduler.h"
#include "runtime/task/task_nursery.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

Clock::duration elapsed(Clock::time_point since) { return Clock::now() - since; }

TEST(NurseryErrors, A51_a_failing_child_cancels_its_siblings_and_the_body) {
  run_virtual([] {
    const auto start = Clock::now();
    int cancelled = 0;
    auto wait = [&] { wait_and_count(cancelled); };
    try {
      open_task_nursery([&](TaskNursery& t) {
        t.start_soon(wait);
        t.start_soon(wait);
        t.start_soon([] {
          sleep(1s);
          throw std::runtime_error("one cancels all");
        });
        wait();
      });
      ADD_FAILURE();
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "one cancels all");
    }
    EXPECT_EQ(cancelled, 3);
    EXPECT_EQ(elapsed(start), 1s);
  });
}

TEST(NurseryErrors, a_failing_body_cancels_its_tasks) {
  run_virtual([] {
    bool cancelled = false;
    EXPECT_THROW(open_task_nursery([&](TaskNursery& t) {
                   t.start_soon([&] {
                     try {
                       sleep_forever();
                     } catch (...) {
                       cancelled = true;
                       throw;
                     }
                   });
                   yield_now();
                   throw std::logic_error("body");
                 }),
                 std::logic_error);
    EXPECT_TRUE(cancelled);
  });
}

TEST(NurseryErrors, one_error_keeps_its_type_and_identity) {
  run_virtual([] {
    const auto original = std::make_exception_ptr(42);
    try {
      open_task_nursery([&](TaskNursery& t) { t.start_soon([&] { std::rethrow_exception(original); }); });
      ADD_FAILURE();
    } catch (...) {
      EXPECT_EQ(std::current_exception(), original);
    }
  });
}

void fail_together(int count) {
  try {
    open_task_nursery([count](TaskNursery& t) {
      for (int i = 0; i < count; ++i) {
        t.start_soon([i] {
          sleep(1s);
          throw std::runtime_error("error " + std::to_string(i));
        });
      }
    });
    ADD_FAILURE();
  } catch (const ExceptionGroup& group) {
    ASSERT_EQ(group.exceptions().size(), static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      EXPECT_EQ(describe(group.exceptions()[static_cast<std::size_t>(i)]), "error " + std::to_string(i));
    }
    EXPECT_NE(std::string(group.what()).find(std::to_string(count) + " errors: error 0; error 1"), std::string::npos);
  }
}

TEST(NurseryErrors, two_errors_are_a_group) {
  run_virtual([] { fail_together(2); });
}

TEST(NurseryErrors, twenty_five_errors_at_once_are_a_group_of_twenty_five) {
  run_virtual([] { fail_together(25); });
}

TEST(NurseryErrors, an_error_thrown_while_being_cancelled_joins_the_group) {
  run_virtual([] {
    try {
      open_task_nursery([](TaskNursery& t) {
        t.start_soon([] {
          try {
            sleep_forever();
          } catch (const Cancelled&) {
            throw std::logic_error("clean-up failed");
          }
        });
        t.start_soon([] { throw std::runtime_error("first"); });
      });
      ADD_FAILURE();
    } catch (const ExceptionGroup& group) {
      ASSERT_EQ(group.exceptions().size(), 2U);
      EXPECT_EQ(type_name_of(group.exceptions()[0]), "std::runtime_error");
      EXPECT_EQ(type_name_of(group.exceptions()[1]), "std::logic_error");
    }
  });
}

TEST(NurseryErrors, the_same_exception_object_counts_once) {
  run_virtual([] {
    const auto shared = std::make_exception_ptr(std::runtime_error("shared"));
    EXPECT_THROW(open_task_nursery([&](TaskNursery& t) {
                   for (int i = 0; i < 3; ++i) t.start_soon([&] { std::rethrow_exception(shared); });
                   std::rethrow_exception(shared);
                 }),
                 std::runtime_error);
  });
}

TEST(NurseryErrors, groups_nest) {
  run_virtual([] {
    try {
      open_task_nursery([](TaskNursery& t) {
        t.start_soon([] { fail_together(2); });
        t.start_soon([] {
          open_task_nursery([](TaskNursery& inner) {
            inner.start_soon([] { throw 1; });
            inner.start_soon([] { throw 2; });
          });
        });
        t.start_soon([] { throw 3; });
      });
      ADD_FAILURE();
    } catch (const ExceptionGroup& group) {
      ASSERT_EQ(group.exceptions().size(), 2U);
      EXPECT_EQ(type_name_of(group.exceptions()[0]), "int");
      EXPECT_EQ(type_name_of(group.exceptions()[1]), "tractor::ExceptionGroup");
    }
  });
}

TEST(NurseryErrors, A51_cancelled_never_hides_an_error) {
  run_virtual([] {
    CancelScope outer;
    EXPECT_THROW(outer.run([&] {
      open_task_nursery([&](TaskNursery& t) {
        t.start_soon([] { sleep_forever(); });
        t.start_soon([] {
          try {
            sleep_forever();
          } catch (...) {
            throw std::runtime_error("real");
          }
        });
        yield_now();
        outer.cancel();
        checkpoint();
      });
    }),
                 std::runtime_error);
  });
}

TEST(NurseryErrors, an_error_of_the_body_and_one_of_a_task_are_a_group) {
  run_virtual([] {
    try {
      open_task_nursery([](TaskNursery& t) {
        t.start_soon([] { throw std::runtime_error("task"); });
        throw std::logic_error("body");
      });
      ADD_FAILURE();
    } catch (const ExceptionGroup& group) {
      EXPECT_STREQ(group.what(), "2 errors: body; task");
    }
  });
}

}  // namespace
}  // namespace tractor
