// The order of ready tasks under a seed, and what does not depend on it.
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/task/memory_channel.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/sync.h"
#include "runtime/task/task_nursery.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

constexpr int kSeeds = 200;

// Which task ran when: ten tasks that meet in sleeps, a lock and a channel.
std::vector<int> trace_of(std::uint64_t seed) {
  std::vector<int> trace;
  run_shuffled(seed, [&trace] {
    Lock lock;
    auto [send, receive] = open_memory_channel<int>(2);
    open_task_nursery([&, &receive = receive, &send = send](TaskNursery& t) {
      for (int i = 0; i < 10; ++i) {
        t.start_soon([&, i] {
          for (int step = 0; step < 5; ++step) {
            trace.push_back(i);
            checkpoint();
            const std::scoped_lock held(lock);
            sleep(std::chrono::milliseconds(step % 2));
            send.send(i);
          }
        });
      }
      for (int i = 0; i < 50; ++i) trace.push_back(100 + receive.receive());
    });
  });
  return trace;
}

TEST(RandomOrder, A53_the_same_seed_gives_the_same_schedule_and_another_one_another) {
  std::set<std::vector<int>> different;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::vector<int> trace = trace_of(seed);
    EXPECT_EQ(trace, trace_of(seed)) << "TRACTOR_TEST_SEED=" << seed;
    different.insert(trace);
  }
  EXPECT_EQ(different.size(), 20U);
}

TEST(RandomOrder, A53_every_task_that_is_ready_runs_once_in_a_turn) {
  run_in_many_orders(kSeeds, [] {
    std::vector<int> turns(7);
    open_task_nursery([&turns](TaskNursery& t) {
      for (int& mine : turns) {
        t.start_soon([&] {
          for (int i = 0; i < 5; ++i) {
            ++mine;
            yield_now();
            EXPECT_LE(std::abs(mine - turns.front()), 1);
          }
        });
      }
    });
    EXPECT_EQ(turns, std::vector<int>(7, 5));
  });
}

TEST(RandomOrder, A53_all_errors_of_a_nursery_arrive_and_every_sibling_is_cancelled) {
  run_in_many_orders(kSeeds, [] {
    const auto start = Clock::now();
    int cancelled = 0;
    std::multiset<std::string> errors;
    try {
      open_task_nursery([&](TaskNursery& t) {
        for (int i = 0; i < 3; ++i) {
          t.start_soon([i] {
            sleep(1s);
            throw std::runtime_error(std::to_string(i));
          });
          t.start_soon([&] {
            try {
              open_task_nursery([](TaskNursery& inner) { inner.start_soon([] { sleep_forever(); }); });
            } catch (const Cancelled&) {
              ++cancelled;
              throw;
            }
          });
        }
      });
    } catch (const ExceptionGroup& group) {
      for (const auto& error : group.exceptions()) errors.insert(describe(error));
    }
    EXPECT_EQ(errors, (std::multiset<std::string>{"0", "1", "2"}));
    EXPECT_EQ(cancelled, 3);
    EXPECT_EQ(Clock::now() - start, 1s);
  });
}

TEST(RandomOrder, A53_a_pipeline_of_channels_loses_and_doubles_nothing) {
  run_in_many_orders(kSeeds, [] {
    std::vector<int> got;
    open_task_nursery([&got](TaskNursery& t) {
      auto [send, receive] = open_memory_channel<int>(2);
      auto [send_squares, receive_squares] = open_memory_channel<int>(0);
      for (int k = 0; k < 4; ++k) {
        t.start_soon(
            [k](SendChannel<int> out) {
              for (int i = k; i < 40; i += 4) out.send(i);
            },
            send.clone());
        t.start_soon(
            [](ReceiveChannel<int> in, SendChannel<int> out) {
              for (int item : in) out.send(item * item);
            },
            receive.clone(), send_squares.clone());
      }
      send.close();
      send_squares.close();
      receive.close();
      for (int square : receive_squares) got.push_back(square);
    });
    std::sort(got.begin(), got.end());
    std::vector<int> squares(40);
    for (int i = 0; i < 40; ++i) squares[static_cast<std::size_t>(i)] = i * i;
    EXPECT_EQ(got, squares);
  });
}

// Senders and receivers are cancelled at the moment at which items change hands.
TEST(RandomOrder, A53_cancelled_sends_and_receives_lose_and_double_nothing) {
  run_in_many_orders(kSeeds, [] {
    std::multiset<int> sent;
    std::multiset<int> got;
    auto [send, receive] = open_memory_channel<int>(1);
    open_task_nursery([&, &send = send, &receive = receive](TaskNursery& t) {
      for (int i = 0; i < 10; ++i) {
        t.start_soon([&, i] {
          if (!move_on_after(std::chrono::seconds(i % 3), [&] { send.send(i); }).cancelled_caught()) sent.insert(i);
        });
        t.start_soon([&, i] { move_on_after(std::chrono::seconds(i % 4), [&] { got.insert(receive.receive()); }); });
      }
    });
    while (receive.statistics().items > 0) got.insert(receive.receive_nowait());
    EXPECT_EQ(got, sent);
  });
}

TEST(RandomOrder, A53_deadlines_shields_and_start_end_at_the_same_time_with_the_same_result) {
  run_in_many_orders(kSeeds, [] {
    const auto start = Clock::now();
    std::multiset<std::string> seen;
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] {
        if (move_on_after(1s, [] { sleep(2s); }).cancelled_caught()) seen.insert("cut short");
      });
      t.start_soon([&] {
        move_on_after(1s, [&] {
          CancelScope shielded({.shield = true});
          shielded.run([] { sleep(3s); });
          seen.insert("shielded");
          checkpoint();
          seen.insert("never");
        });
      });
      t.start_soon([&] {
        const int port = t.start<int>([&](TaskStatus<int>& status) {
          sleep(1s);
          status.started(7);
          sleep(1s);
          seen.insert("served");
        });
        seen.insert("port " + std::to_string(port));
      });
      t.start_soon([&] {
        const auto late = [&] { t.start([](TaskStatus<void>&) { sleep(5s); }); };
        if (move_on_after(2s, late).cancelled_caught()) seen.insert("not started");
      });
    });
    EXPECT_EQ(seen, (std::multiset<std::string>{"cut short", "not started", "port 7", "served", "shielded"}));
    EXPECT_EQ(Clock::now() - start, 3s);
  });
}

TEST(RandomOrder, A53_locks_and_semaphores_let_in_as_many_as_they_should) {
  run_in_many_orders(kSeeds, [] {
    Lock lock;
    Semaphore permits(3);
    int in_lock = 0;
    int with_permit = 0;
    open_task_nursery([&](TaskNursery& t) {
      for (int i = 0; i < 12; ++i) {
        t.start_soon([&, i] {
          move_on_after(std::chrono::milliseconds(i * 2), [&] {
            permits.acquire();
            EXPECT_LE(++with_permit, 3);
            try {
              const std::unique_lock held(lock);
              EXPECT_EQ(++in_lock, 1);
              CancelScope shielded({.shield = true});
              shielded.run([] { sleep(3ms); });
              --in_lock;
            } catch (const Cancelled&) {
              --with_permit;
              permits.release();
              throw;
            }
            --with_permit;
            permits.release();
          });
        });
      }
    });
    EXPECT_EQ(permits.value(), 3);
    EXPECT_TRUE(lock.try_lock());
    lock.unlock();
  });
}

}  // namespace
}  // namespace tractor
