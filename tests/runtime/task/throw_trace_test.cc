#include "runtime/task/throw_trace.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "runtime/task/worker_threads.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

template <class F>
std::exception_ptr caught(F&& f) {
  try {
    f();
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

TEST(ThrowTrace, is_taken_in_a_task_and_on_a_worker_thread) {
  run_with_threads([] {
    EXPECT_FALSE(throw_trace(caught([] { throw std::runtime_error("x"); })).empty());
    EXPECT_FALSE(throw_trace(caught([] { throw 42; })).empty());
    EXPECT_FALSE(throw_trace(caught([] { to_thread([] { throw std::runtime_error("x"); }); })).empty());
  });
}

TEST(ThrowTrace, is_not_taken_elsewhere_nor_of_cancellations_nor_where_nothing_was_thrown) {
  EXPECT_TRUE(throw_trace(caught([] { throw std::runtime_error("x"); })).empty());
  EXPECT_TRUE(throw_trace(nullptr).empty());
  run_virtual([] {
    EXPECT_TRUE(throw_trace(std::make_exception_ptr(std::runtime_error("x"))).empty());
    CancelScope scope;
    scope.run([&] {
      scope.cancel();
      EXPECT_TRUE(throw_trace(caught([] { checkpoint(); })).empty());
    });
  });
}

TEST(ThrowTrace, stays_with_the_exception_through_every_rethrow) {
  run_virtual([] {
    const std::exception_ptr first = caught([] { throw std::runtime_error("x"); });
    const std::exception_ptr second = caught([&] { std::rethrow_exception(first); });
    EXPECT_EQ(throw_trace(second), throw_trace(first));
  });
}

TEST(ThrowTrace, goes_with_the_exception_whose_destructor_runs_once) {
  static int alive = 0;
  struct Counted {
    Counted() { ++alive; }
    Counted(const Counted& /*other*/) { ++alive; }
    ~Counted() { --alive; }
  };
  run_virtual([] {
    for (int i = 0; i < 20'000; ++i) caught([] { throw Counted(); });  // more than are kept
    EXPECT_EQ(alive, 0);
    for (int i = 0; i < 20'000; ++i) caught([] { throw 42; });
    EXPECT_FALSE(throw_trace(caught([] { throw 42; })).empty());
  });
}

}  // namespace
}  // namespace tractor
