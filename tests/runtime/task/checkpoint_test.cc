// Which calls are checkpoints: they let others run and can be cancelled, whether they need to wait or not.
#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runtime/task/memory_channel.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/sync.h"
#include "runtime/task/task_nursery.h"
#include "runtime/task/worker_threads.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

struct Call {
  std::string name;
  std::function<void()> run;
};

// What the calls are made on. None of them needs to wait.
struct Things {
  Event set;
  Lock lock;
  Semaphore permits{100};
  std::pair<SendChannel<int>, ReceiveChannel<int>> channel = open_memory_channel<int>(100);

  Things() {
    set.set();
    for (int i = 0; i < 10; ++i) channel.first.send_nowait(i);
  }

  std::vector<Call> checkpoints() {
    return {{"checkpoint", [] { checkpoint(); }},
            {"sleep(0)", [] { sleep(0s); }},
            {"sleep(-1s)", [] { sleep(-1s); }},
            {"sleep_until(now)", [] { sleep_until(Clock::now()); }},
            {"Event::wait", [this] { set.wait(); }},
            {"Lock::lock",
             [this] {
               lock.lock();
               lock.unlock();
             }},
            {"Semaphore::acquire", [this] { permits.acquire(); }},
            {"SendChannel::send", [this] { channel.first.send(1); }},
            {"ReceiveChannel::receive", [this] { channel.second.receive(); }},
            {"ReceiveChannel::next", [this] { channel.second.next(); }},
            {"to_thread", [] { to_thread([] {}); }}};
  }
  std::vector<Call> others() {
    return {{"Event::set", [this] { set.set(); }},
            {"Lock::try_lock and unlock",
             [this] {
               EXPECT_TRUE(lock.try_lock());
               lock.unlock();
             }},
            {"Semaphore::try_acquire", [this] { EXPECT_TRUE(permits.try_acquire()); }},
            {"Semaphore::release", [this] { permits.release(); }},
            {"send_nowait", [this] { channel.first.send_nowait(1); }},
            {"receive_nowait", [this] { channel.second.receive_nowait(); }},
            {"clone and close", [this] { channel.first.clone().close(); }},
            {"CancelScope::run", [] { CancelScope().run([] {}); }},
            {"currently_cancelled", [] { currently_cancelled(); }},
            {"current_effective_deadline", [] { current_effective_deadline(); }}};
  }
};

// Whether another task runs during the call.
bool lets_others_run(const std::function<void()>& call) {
  bool ran = false;
  bool during = false;
  open_task_nursery([&](TaskNursery& t) {
    t.start_soon([&ran] { ran = true; });
    call();
    during = ran;
  });
  return during;
}

bool is_cut_short(const std::function<void()>& call) {
  CancelScope scope;
  scope.cancel();
  scope.run(call);
  return scope.cancelled_caught();
}

TEST(Checkpoint, every_call_that_can_wait_is_one_even_when_it_need_not) {
  run_with_threads([] {
    Things things;
    for (const Call& call : things.checkpoints()) {
      EXPECT_TRUE(lets_others_run(call.run)) << call.name;
      EXPECT_TRUE(is_cut_short(call.run)) << call.name;
    }
  });
}

TEST(Checkpoint, a_call_that_is_cut_short_has_done_nothing) {
  run_with_threads([] {
    Things things;
    for (const Call& call : things.checkpoints()) is_cut_short(call.run);
    EXPECT_FALSE(things.lock.statistics().locked);
    EXPECT_EQ(things.permits.value(), 100);
    EXPECT_EQ(things.channel.first.statistics().items, 10U);
  });
}

TEST(Checkpoint, calls_that_never_wait_are_none) {
  run_virtual([] {
    Things things;
    for (const Call& call : things.others()) {
      EXPECT_FALSE(lets_others_run(call.run)) << call.name;
      EXPECT_FALSE(is_cut_short(call.run)) << call.name;
    }
  });
}

std::string log_of(const std::function<void()>& main) {
  testing::internal::CaptureStderr();
  run_virtual(main);
  return testing::internal::GetCapturedStderr();
}
int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(Checkpoint, who_swallows_a_cancellation_is_named_once_a_task) {
  const std::string text = log_of([] {
    open_task_nursery([](TaskNursery& t) {
      for (const char* name : {"donny", "gretchen"}) {
        t.start_named(name, [] {
          for (int i = 0; i < 3; ++i) {
            try {
              sleep(1s);
            } catch (...) {
            }
          }
        });
      }
      t.cancel_scope().cancel();
    });
  });
  EXPECT_EQ(count(text, "task donny#2 was cancelled, but swallowed that"), 1) << text;
  EXPECT_EQ(count(text, "task gretchen#3 was cancelled, but swallowed that"), 1) << text;
}

TEST(Checkpoint, a_copy_of_a_cancellation_has_its_duties) {
  const auto cancelled = [](auto&& handle) {
    return log_of([&] {
      CancelScope scope;
      scope.run([&] {
        scope.cancel();
        try {
          checkpoint();
        } catch (const Cancelled& c) {
          handle(c);
        }
      });
    });
  };
  EXPECT_EQ(cancelled([](const Cancelled& c) { throw c; }), "");
  EXPECT_EQ(count(cancelled([](const Cancelled& c) { const Cancelled copy = c; }), "swallowed that"), 1);
}

TEST(Checkpoint, who_lets_a_cancellation_pass_is_not_named) {
  EXPECT_EQ(log_of([] {
              open_task_nursery([](TaskNursery& t) {
                t.start_soon([] { sleep_forever(); });
                t.start_soon([] {
                  try {
                    sleep_forever();
                  } catch (...) {
                    const std::exception_ptr kept = std::current_exception();
                    std::rethrow_exception(kept);
                  }
                });
                checkpoint();
                t.cancel_scope().cancel();
              });
              EXPECT_THROW(open_task_nursery([](TaskNursery& t) {
                             t.start_soon([] {
                               try {
                                 sleep_forever();
                               } catch (const Cancelled&) {
                                 throw std::runtime_error("the light stayed on");
                               }
                             });
                             checkpoint();
                             t.cancel_scope().cancel();
                           }),
                           std::runtime_error);
              move_on_after(1s, [] { open_task_nursery([](TaskNursery& /*t*/) { sleep_forever(); }); });
              CancelScope scope;
              scope.cancel();
              EXPECT_EQ(scope.run([] { return checkpoint(), 1; }), std::nullopt);
            }),
            "");
}

TEST(Checkpoint, yielding_lets_others_run_and_cannot_be_cancelled) {
  run_virtual([] {
    EXPECT_TRUE(lets_others_run([] { yield_now(); }));
    EXPECT_FALSE(is_cut_short([] { yield_now(); }));
  });
}

}  // namespace
}  // namespace tractor
