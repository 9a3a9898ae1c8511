// What tasks are doing, as told by the scheduler. Stacks are told by addresses here;
// tests/runtime/wire/stack_trace_test.cc has their names.
#include "runtime/task/task_snapshot.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/task/sync.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> lines() {
  std::vector<std::string> out;
  for (const TaskSnapshot& task : Scheduler::current().snapshot()) out.push_back(task.describe());
  return out;
}

TEST(TaskSnapshot, tells_names_and_what_tasks_wait_for_and_since_when) {
  run_virtual([] {
    Event go;
    open_task_nursery([&](TaskNursery& t) {
      t.start_named("donny", [&] { go.wait(); });
      sleep(1500ms);
      t.start_soon([] { sleep(1s); });
      EXPECT_EQ(lines(), (std::vector<std::string>{"main#1 runs", "  donny#2 waits for Event, for 1.500 s",
                                                   "  task#3 is ready"}));
      t.cancel_scope().cancel();
      EXPECT_EQ(lines().at(1), "  donny#2 is ready, cancelled");
    });
  });
}

TEST(TaskSnapshot, puts_each_task_below_the_one_that_opened_its_nursery) {
  run_virtual([] {
    std::vector<std::string> seen;
    open_task_nursery([&](TaskNursery& outer) {
      for (const char* name : {"a", "b"}) {
        outer.start_named(name, [name] {
          open_task_nursery([&](TaskNursery& inner) {
            inner.start_named(std::string(name) + "1", [] { sleep(2s); });
            inner.start_named(std::string(name) + "2", [] { sleep(2s); });
          });
        });
      }
      sleep(1s);
      for (const TaskSnapshot& task : Scheduler::current().snapshot())
        seen.push_back(std::string(static_cast<std::size_t>(task.depth), '-') +
                       task.name.substr(0, task.name.find('#')));
    });
    EXPECT_EQ(seen, (std::vector<std::string>{"main", "-a", "--a1", "--a2", "-b", "--b1", "--b2"}));
  });
}

// Two frames that a stack must have, whoever inlines what.
[[gnu::noinline]] void inner(Event& go) {
  go.wait();
  asm volatile("");  // no tail call
}
[[gnu::noinline]] void outer(Event& go) {
  inner(go);
  asm volatile("");
}
bool is_in(void* address, void (*function)(Event&)) {
  const char* begin = reinterpret_cast<const char*>(function);
  return address > begin && address < begin + 256;
}

TEST(TaskSnapshot, shows_stacks_of_tasks_that_go_on_unharmed) {
  run_virtual([] {
    Event go;
    int done = 0;
    open_task_nursery([&](TaskNursery& t) {
      for (int i = 0; i < 100; ++i) {
        t.start_soon([&] {
          outer(go);
          try {  // with an exception being handled, whose state belongs to this stack
            throw std::runtime_error("x");
          } catch (const std::runtime_error&) {
            sleep(1s);
            EXPECT_NE(std::current_exception(), nullptr);
          }
          ++done;
        });
      }
      sleep(1s);
      for (int round = 0; round < 3; ++round) {
        const std::vector<TaskSnapshot> tasks = Scheduler::current().snapshot();
        ASSERT_EQ(tasks.size(), 101U);
        EXPECT_FALSE(tasks.front().stack.empty());  // its own
        for (std::size_t i = 1; i < tasks.size(); ++i) {
          const auto frame = std::ranges::find_if(tasks[i].stack, [](void* a) { return is_in(a, inner); });
          ASSERT_NE(frame, tasks[i].stack.end());
          EXPECT_TRUE(is_in(*std::next(frame), outer));
        }
      }
      go.set();
      sleep(500ms);
      Scheduler::current().snapshot();
    });
    EXPECT_EQ(done, 100);
  });
}

TEST(TaskSnapshot, may_be_taken_by_a_posted_function_and_by_an_abort_function) {
  run_virtual([] {
    std::size_t posted = 0;
    Scheduler::current().post([&] { posted = Scheduler::current().snapshot().size(); });
    sleep(1s);
    EXPECT_EQ(posted, 1U);

    std::size_t aborted = 0;
    CancelScope scope;
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] {
        scope.run([&] {
          Waiter waiter("nothing");
          waiter.wait([&] {
            aborted = Scheduler::current().snapshot().size();
            return Abort::kDone;
          });
        });
      });
      sleep(1s);
      scope.cancel();  // the abort function runs here, on this task's stack
    });
    EXPECT_EQ(aborted, 2U);
  });
}

}  // namespace
}  // namespace tractor
