// What a task must not wait with is noticed, in builds that notice.
#include "runtime/task/held.h"

#include <gtest/gtest.h>

#include <mutex>

#include "runtime/task/scheduler.h"
#include "runtime/task/task_nursery.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

#if defined(NDEBUG) || defined(TRACTOR_SANITIZED)

TEST(Held, is_not_counted_here) { EXPECT_EQ(held_here, Held{}); }

#else

using namespace std::chrono_literals;

void wait_with_mutex() {
  std::mutex mutex;
  const std::lock_guard lock(mutex);
  sleep(1s);
}
int wait_and_return() {
  checkpoint();
  return 1;
}
void wait_in_initializer() {
  static const int one = wait_and_return();
  EXPECT_EQ(one, 1);
}

TEST(HeldDeathTest, a_mutex_while_waiting_ends_the_process) {
  EXPECT_DEATH(run_virtual(wait_with_mutex), "main#1 waits while it holds a std::mutex: take a tractor::Lock");
}

TEST(HeldDeathTest, an_initializer_that_waits_ends_the_process) {
  EXPECT_DEATH(run_virtual(wait_in_initializer), "waits in the initializer of a function-local static");
}

TEST(Held, what_was_given_back_does_not_matter) {
  run_virtual([] {
    static const int two = 1 + 1;
    std::timed_mutex mutex;
    std::unique_lock lock(mutex, 1s);
    EXPECT_TRUE(lock.owns_lock());
    std::unique_lock second(mutex, std::try_to_lock);
    EXPECT_FALSE(second.owns_lock());
    lock.unlock();
    EXPECT_TRUE(second.try_lock());
    second.unlock();
    try {
      static const int none = []() -> int { throw two; }();
      EXPECT_EQ(none, 0);
    } catch (int) {
    }
    sleep(1s);
  });
}

TEST(Held, what_was_held_before_the_tasks_began_does_not_matter) {
  std::mutex mutex;
  const std::lock_guard lock(mutex);
  run_virtual([] { sleep(1s); });
}

#endif

}  // namespace
}  // namespace tractor
