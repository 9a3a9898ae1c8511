#include "runtime/task/memory_channel.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "runtime/task/task_nursery.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {
namespace {

using namespace std::chrono_literals;

TEST(MemoryChannel, items_arrive_in_order_and_a_loop_over_them_ends_when_the_sender_closes) {
  run_virtual([] {
    for (const std::size_t capacity : {std::size_t{0}, std::size_t{1}, std::size_t{3}, kUnbounded}) {
      std::vector<int> got;
      open_task_nursery([&](TaskNursery& t) {
        auto [send, receive] = open_memory_channel<int>(capacity);
        t.start_soon(
            [](SendChannel<int> out) {
              for (int i = 0; i < 10; ++i) out.send(i);
            },
            std::move(send));
        for (int item : receive) got.push_back(item);
      });
      EXPECT_EQ(got, (std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
    }
  });
}

TEST(MemoryChannel, holds_as_many_items_as_it_has_room_for_and_then_the_sender_waits) {
  run_virtual([] {
    auto [send, receive] = open_memory_channel<int>(2);
    int sent = 0;
    open_task_nursery([&, &send = send, &receive = receive](TaskNursery& t) {
      t.start_soon([&] {
        for (; sent < 4; ++sent) send.send(sent);
      });
      sleep(1s);
      EXPECT_EQ(sent, 2);
      EXPECT_EQ(send.statistics().items, 2U);
      EXPECT_EQ(receive.receive(), 0);
      sleep(1s);
      EXPECT_EQ(sent, 3);
      EXPECT_EQ(receive.receive(), 1);
      EXPECT_EQ(receive.receive(), 2);
      EXPECT_EQ(receive.receive(), 3);
    });
  });
}

TEST(MemoryChannel, without_capacity_an_item_goes_from_hand_to_hand) {
  run_virtual([] {
    auto [send, receive] = open_memory_channel<int>(0);
    open_task_nursery([&, &send = send, &receive = receive](TaskNursery& t) {
      EXPECT_THROW(send.send_nowait(1), WouldBlock);
      t.start_soon([&] { EXPECT_EQ(receive.receive(), 2); });
      yield_now();
      send.send_nowait(2);
      t.start_soon([&] { send.send(3); });
      yield_now();
      EXPECT_EQ(receive.receive_nowait(), 3);
      EXPECT_THROW(receive.receive_nowait(), WouldBlock);
    });
  });
}

TEST(MemoryChannel, unbounded_its_sender_never_waits) {
  run_virtual([] {
    auto [send, receive] = open_memory_channel<int>(kUnbounded);
    for (int i = 0; i < 10'000; ++i) send.send_nowait(i);
    EXPECT_EQ(receive.statistics().items, 10'000U);
    EXPECT_EQ(receive.receive(), 0);
  });
}

TEST(MemoryChannel, send_and_receive_are_checkpoints_even_when_they_need_not_wait) {
  run_virtual([] {
    auto [send, receive] = open_memory_channel<int>(3);
    int turns = 0;
    open_task_nursery([&, &send = send, &receive = receive](TaskNursery& t) {
      t.start_soon([&] {
        while (turns < 3) {
          ++turns;
          yield_now();
        }
      });
      send.send(1);
      EXPECT_EQ(turns, 1);
      EXPECT_EQ(receive.receive(), 1);
      EXPECT_EQ(turns, 2);
      send.close();
      EXPECT_FALSE(receive.next());
      EXPECT_EQ(turns, 3);
    });
    auto [full, end] = open_memory_channel<int>(3);
    EXPECT_TRUE(move_on_after(0s, [&, &full = full] { full.send(1); }).cancelled_caught());
    EXPECT_THROW(end.receive_nowait(), WouldBlock) << "a cancelled send has not sent";
    full.send_nowait(2);
    EXPECT_TRUE(move_on_after(0s, [&, &end = end] { end.receive(); }).cancelled_caught());
    EXPECT_EQ(end.receive_nowait(), 2) << "a cancelled receive has lost nothing";
  });
}

TEST(MemoryChannel, the_nowait_forms_are_no_checkpoints) {
  run_virtual([] {
    auto [send, receive] = open_memory_channel<int>(1);
    CancelScope scope;
    scope.run([&, &send = send, &receive = receive] {
      scope.cancel();
      send.send_nowait(1);
      EXPECT_EQ(receive.receive_nowait(), 1);
      auto other = send.clone();
      other.close();
    });
    EXPECT_FALSE(scope.cancelled_caught());
  });
}

TEST(MemoryChannel, a_cancelled_send_has_not_sent_and_leaves_the_item_with_its_sender) {
  run_virtual([] {
    auto [send, receive] = open_memory_channel<std::unique_ptr<int>>(0);
    auto item = std::make_unique<int>(7);
    EXPECT_TRUE(move_on_after(1s, [&, &send = send] { send.send(std::move(item)); }).cancelled_caught());
    ASSERT_NE(item, nullptr);
    EXPECT_THROW(receive.receive_nowait(), WouldBlock);
    EXPECT_THROW(send.send_nowait(std::move(item)), WouldBlock);
    ASSERT_NE(item, nullptr);
    EXPECT_EQ(send.statistics().tasks_waiting_to_send, 0U);
  });
}

TEST(MemoryChannel, a_receiver_that_is_cancelled_after_an_item_was_given_to_it_returns_it) {
  run_virtual([] {
    auto [send, receive] = open_memory_channel<int>(0);
    CancelScope scope;
    std::optional<int> got;
    open_task_nursery([&, &send = send, &receive = receive](TaskNursery& t) {
      t.start_soon([&] { scope.run([&] { got = receive.next(); }); });
      sleep(1s);
      send.send_nowait(1);
      scope.cancel();
    });
    EXPECT_EQ(got, 1);
    EXPECT_FALSE(scope.cancelled_caught());
  });
}

TEST(MemoryChannel, a_cancelled_receiver_leaves_the_queue) {
  run_virtual([] {
    auto [send, receive] = open_memory_channel<int>(1);
    EXPECT_TRUE(move_on_after(1s, [&, &receive = receive] { receive.receive(); }).cancelled_caught());
    send.send_nowait(1);
    EXPECT_EQ(receive.receive_nowait(), 1);
  });
}

TEST(MemoryChannel, those_that_wait_are_served_in_the_order_in_which_they_came) {
  run_virtual([] {
    auto [send, receive] = open_memory_channel<int>(0);
    std::vector<std::string> got;
    open_task_nursery([&, &send = send, &receive = receive](TaskNursery& t) {
      for (const char* name : {"a", "b", "c"}) {
        t.start_soon([&, name] { got.push_back(name + std::to_string(receive.receive())); });
      }
      yield_now();
      for (int i = 1; i <= 3; ++i) send.send_nowait(i);
    });
    EXPECT_EQ(got, (std::vector<std::string>{"a1", "b2", "c3"}));
    std::vector<int> items;
    open_task_nursery([&, &send = send, &receive = receive](TaskNursery& t) {
      for (int i = 1; i <= 3; ++i) t.start_soon([&, i] { send.send(i); });
      yield_now();
      for (int i = 1; i <= 3; ++i) items.push_back(receive.receive());
    });
    EXPECT_EQ(items, (std::vector{1, 2, 3}));
  });
}

TEST(MemoryChannel, a_sender_that_waits_is_not_overtaken_when_room_appears) {
  run_virtual([] {
    auto [send, receive] = open_memory_channel<int>(1);
    open_task_nursery([&, &send = send, &receive = receive](TaskNursery& t) {
      send.send_nowait(1);
      t.start_soon([&] { send.send(2); });
      yield_now();
      EXPECT_EQ(receive.receive_nowait(), 1);
      EXPECT_THROW(send.send_nowait(3), WouldBlock);
      EXPECT_EQ(receive.receive_nowait(), 2);
    });
  });
}

TEST(MemoryChannel, ends_when_the_last_sender_has_closed_and_all_is_received) {
  run_virtual([] {
    auto [send, receive] = open_memory_channel<int>(5);
    auto second = send.clone();
    send.send_nowait(1);
    send.close();
    second.send_nowait(2);
    second.close();
    second.close();
    EXPECT_EQ(receive.receive(), 1);
    EXPECT_EQ(receive.next(), 2);
    EXPECT_EQ(receive.next(), std::nullopt);
    EXPECT_THROW(receive.receive(), EndOfChannel);
    EXPECT_THROW(receive.receive_nowait(), EndOfChannel);
    for (int item : receive) ADD_FAILURE() << item;
  });
}

TEST(MemoryChannel, receivers_that_wait_are_told_of_the_end) {
  run_virtual([] {
    auto [send, receive] = open_memory_channel<int>(0);
    int told = 0;
    open_task_nursery([&, &send = send, &receive = receive](TaskNursery& t) {
      t.start_soon([&] { told += receive.next() == std::nullopt ? 1 : 0; });
      t.start_soon([&] {
        EXPECT_THROW(receive.receive(), EndOfChannel);
        ++told;
      });
      sleep(1s);
      send.close();
    });
    EXPECT_EQ(told, 2);
  });
}

TEST(MemoryChannel, breaks_when_the_last_receiver_has_closed_and_drops_what_it_holds) {
  run_virtual([] {
    auto [send, receive] = open_memory_channel<std::shared_ptr<int>>(1);
    auto item = std::make_shared<int>(1);
    auto second = receive.clone();
    send.send_nowait(item);
    receive.close();
    EXPECT_EQ(item.use_count(), 2);
    open_task_nursery([&, &send = send](TaskNursery& t) {
      t.start_soon([&] { EXPECT_THROW(send.send(item), BrokenError); });
      sleep(1s);
      second.close();
    });
    EXPECT_EQ(item.use_count(), 1);
    EXPECT_THROW(send.send(item), BrokenError);
    EXPECT_THROW(send.send_nowait(item), BrokenError);
  });
}

TEST(MemoryChannel, closing_a_handle_ends_what_waits_in_it_and_not_what_waits_in_its_clones) {
  run_virtual([] {
    auto [send, receive] = open_memory_channel<int>(0);
    auto receive2 = receive.clone();
    open_task_nursery([&, &send = send, &receive = receive](TaskNursery& t) {
      t.start_soon([&] { EXPECT_THROW(receive.receive(), ClosedError); });
      t.start_soon([&] { EXPECT_EQ(receive2.receive(), 5); });
      sleep(1s);
      receive.close();
      sleep(1s);
      send.send(5);
      auto send2 = std::make_optional(send.clone());
      t.start_soon([&] { EXPECT_THROW(send2->send(6), ClosedError); });
      t.start_soon([&] { send.send(7); });
      sleep(1s);
      send2.reset();
      EXPECT_EQ(receive2.receive(), 7);
    });
  });
}

TEST(MemoryChannel, a_handle_may_move_while_a_task_waits_in_it) {
  run_virtual([] {
    auto [send, receive] = open_memory_channel<int>(0);
    open_task_nursery([&, &send = send, &receive = receive](TaskNursery& t) {
      t.start_soon([&] { EXPECT_THROW(receive.receive(), ClosedError); });
      sleep(1s);
      ReceiveChannel<int> moved = std::move(receive);
      EXPECT_EQ(moved.statistics().tasks_waiting_to_receive, 1U);
      auto [other_send, other_receive] = open_memory_channel<int>(0);
      moved = std::move(other_receive);
      EXPECT_THROW(send.send(1), BrokenError);
    });
  });
}

TEST(MemoryChannel, using_a_closed_handle_is_a_closed_error) {
  run_virtual([] {
    auto [send, receive] = open_memory_channel<int>(1);
    send.send_nowait(1);
    send.close();
    receive.close();
    EXPECT_THROW(send.send(1), ClosedError);
    EXPECT_THROW(send.send_nowait(1), ClosedError);
    EXPECT_THROW(send.clone(), ClosedError);
    EXPECT_THROW(send.statistics(), ClosedError);
    EXPECT_THROW(receive.receive(), ClosedError);
    EXPECT_THROW(receive.next(), ClosedError);
    EXPECT_THROW(receive.receive_nowait(), ClosedError);
    EXPECT_THROW(receive.clone(), ClosedError);
    EXPECT_THROW(receive.begin(), ClosedError);
  });
}

TEST(MemoryChannel, many_senders_and_receivers_share_it_and_each_item_arrives_once) {
  run_virtual([] {
    std::vector<int> times(100);
    open_task_nursery([&](TaskNursery& t) {
      auto [send, receive] = open_memory_channel<int>(2);
      for (int k = 0; k < 10; ++k) {
        t.start_soon(
            [k](SendChannel<int> out) {
              for (int i = 0; i < 10; ++i) out.send(k * 10 + i);
            },
            send.clone());
        t.start_soon(
            [&times](ReceiveChannel<int> in) {
              for (int item : in) ++times[static_cast<std::size_t>(item)];
            },
            receive.clone());
      }
    });
    EXPECT_EQ(times, std::vector<int>(100, 1));
  });
}

TEST(MemoryChannel, its_statistics_tell_what_it_holds_and_who_waits) {
  run_virtual([] {
    auto [send, receive] = open_memory_channel<int>(1);
    auto second = send.clone();
    open_task_nursery([&, &send = send, &receive = receive](TaskNursery& t) {
      send.send_nowait(1);
      t.start_soon([&] { EXPECT_THROW(second.send(2), BrokenError); });
      yield_now();
      const MemoryChannelStatistics now = receive.statistics();
      EXPECT_EQ(now.items, 1U);
      EXPECT_EQ(now.capacity, 1U);
      EXPECT_EQ(now.open_senders, 2U);
      EXPECT_EQ(now.open_receivers, 1U);
      EXPECT_EQ(now.tasks_waiting_to_send, 1U);
      EXPECT_EQ(now.tasks_waiting_to_receive, 0U);
      receive.close();
    });
  });
}

}  // namespace
}  // namespace tractor
