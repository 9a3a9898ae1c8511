// A memory channel passes items between tasks of one actor: first in, first out, and so are those that wait at either
// end. Loop thread only. The rules are trio's.
//   auto [send, receive] = open_memory_channel<int>(10);
//   nursery.start_soon([](SendChannel<int> out) { out.send(1); }, std::move(send));
//   for (int item : receive) ...                 // ends when every SendChannel is closed
// It holds up to `capacity` items; a sender waits while it is full, a receiver while it is empty. Ends are handles:
// they move, clone() makes another one of the same channel, close() or the destructor gives one up. The last
// SendChannel to close ends the channel once what it holds is received; the last ReceiveChannel to close breaks it.
// Common mistake: keeping a SendChannel that nobody closes, for which the receivers wait forever.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "runtime/task/error.h"
#include "runtime/task/next_iterator.h"
#include "runtime/task/scheduler.h"

namespace tractor {

// The capacity of a channel whose senders never wait. A receiver that is too slow then costs memory without end.
inline constexpr std::size_t kUnbounded = std::numeric_limits<std::size_t>::max();

struct MemoryChannelStatistics {
  std::size_t items = 0;  // sent and not received
  std::size_t capacity = 0;
  std::size_t open_senders = 0;
  std::size_t open_receivers = 0;
  std::size_t tasks_waiting_to_send = 0;
  std::size_t tasks_waiting_to_receive = 0;
};

namespace detail {

// What does not depend on the type of the items: who waits at which end, and how that ends.
class ChannelCore {
 public:
  // The number of a handle, so that closing it finds its waiters even when it has moved meanwhile.
  using End = std::uint64_t;

  // A send or receive that waits.
  struct Wait : Waiter {
    Wait(const char* what, End e, void* i) : Waiter(what), end(e), item(i) {}
    End end;
    void* item;  // of a sender the T, of a receiver the std::optional<T>
    enum class Outcome { kDone, kClosed, kOtherEndGone } outcome = Outcome::kDone;
  };

  explicit ChannelCore(std::size_t capacity) : capacity_(capacity) {}

  End open_sender();
  End open_receiver();
  void close_sender(End end);
  // Whether it was the last one.
  bool close_receiver(End end);

  bool broken() const { return receivers_ == 0; }
  bool ended() const { return senders_ == 0; }
  std::size_t capacity() const { return capacity_; }
  MemoryChannelStatistics statistics(std::size_t items) const;

  // Waits until someone took `item`; ClosedError, BrokenError.
  void wait_to_send(End end, void* item);
  // Waits until someone filled `item`, or for the end of the channel; ClosedError.
  void wait_to_receive(End end, void* item);
  // The longest waiting one, or null.
  Wait* first_sender() { return first(sending_); }
  Wait* first_receiver() { return first(receiving_); }
  // After its item has moved.
  void wake_first_sender();
  void wake_first_receiver();

 private:
  using Waits = boost::intrusive::list<Waiter>;

  static Wait* first(Waits& waits) { return waits.empty() ? nullptr : static_cast<Wait*>(&waits.front()); }
  // Ends those waits of which `which` is true.
  template <class Which>
  static void end_waits(Waits& waits, Wait::Outcome outcome, Which&& which);

  std::size_t capacity_;
  std::size_t senders_ = 0;
  std::size_t receivers_ = 0;
  End last_end_ = 0;
  Waits sending_;
  Waits receiving_;
};

[[noreturn]] void throw_closed(const char* what);
[[noreturn]] void throw_broken();
[[noreturn]] void throw_end_of_channel(const char* what);

template <class T>
struct Channel : ChannelCore {
  using ChannelCore::ChannelCore;

  // Whether there was room, or someone who waited for it.
  bool put(T& item) {
    if (broken()) throw_broken();
    if (Wait* receiver = first_receiver()) {
      static_cast<std::optional<T>*>(receiver->item)->emplace(std::move(item));
      wake_first_receiver();
    } else if (items.size() < capacity()) {
      items.push_back(std::move(item));
    } else {
      return false;
    }
    return true;
  }
  // The next item, if there is one; makes room for the longest waiting sender.
  bool take(std::optional<T>& item) {
    Wait* sender = first_sender();
    if (!items.empty()) {
      item.emplace(std::move(items.front()));
      items.pop_front();
      if (sender != nullptr) items.push_back(std::move(*static_cast<T*>(sender->item)));
    } else if (sender != nullptr) {
      item.emplace(std::move(*static_cast<T*>(sender->item)));
    }
    if (sender != nullptr) wake_first_sender();
    return item.has_value();
  }

  std::deque<T> items;
};

// A handle of one end; what both ends have in common.
template <class T, bool kSends>
class ChannelEnd {
 public:
  ChannelEnd(ChannelEnd&&) noexcept = default;
  ChannelEnd& operator=(ChannelEnd&& other) noexcept {
    std::swap(channel_, other.channel_);
    std::swap(end_, other.end_);
    if (this != &other) other.close();
    return *this;
  }
  ~ChannelEnd() { close(); }

  // Gives the handle up: tasks that wait in it get a ClosedError. With the last ReceiveChannel, what the channel holds
  // is destroyed. Idempotent; not a checkpoint.
  void close() noexcept {
    const auto channel = std::move(channel_);
    if (!channel) return;
    if constexpr (kSends) {
      channel->close_sender(end_);
    } else {
      if (channel->close_receiver(end_)) channel->items.clear();
    }
  }
  // ClosedError when this handle is closed.
  MemoryChannelStatistics statistics() const {
    const auto channel = open("statistics");
    return channel->statistics(channel->items.size());
  }

 protected:
  using Shared = std::shared_ptr<Channel<T>>;

  explicit ChannelEnd(Shared channel)
      : channel_(std::move(channel)), end_(kSends ? channel_->open_sender() : channel_->open_receiver()) {}
  // Shared, because the handle may go while a task waits in it.
  Shared open(const char* caller) const {
    if (!channel_) throw_closed(caller);
    return channel_;
  }
  ChannelCore::End number() const { return end_; }

 private:
  Shared channel_;  // null when closed or moved from
  ChannelCore::End end_;
};

}  // namespace detail

template <class T>
class SendChannel : public detail::ChannelEnd<T, true> {
 public:
  explicit SendChannel(std::shared_ptr<detail::Channel<T>> channel) : detail::ChannelEnd<T, true>(std::move(channel)) {}

  // Waits while the channel is full; a checkpoint even when it is not. When it throws nothing was sent, and an item
  // given as an rvalue has not moved. ClosedError when this handle is closed, BrokenError when no ReceiveChannel is
  // left, also when either happens during the wait.
  void send(T&& item) {
    const auto channel = this->open("send");
    checkpoint_if_cancelled();
    if (channel->put(item)) return yield_now();
    channel->wait_to_send(this->number(), &item);
  }
  void send(const T& item) { send(T(item)); }
  // The same without waiting, and not a checkpoint: WouldBlock when the channel is full.
  void send_nowait(T&& item) {
    if (!this->open("send_nowait")->put(item)) throw WouldBlock("send_nowait: the channel is full, and nobody waits");
  }
  void send_nowait(const T& item) { send_nowait(T(item)); }

  // Another handle of the same end; ClosedError when this one is closed.
  SendChannel clone() const { return SendChannel(this->open("clone")); }
};

template <class T>
class ReceiveChannel : public detail::ChannelEnd<T, false> {
 public:
  explicit ReceiveChannel(std::shared_ptr<detail::Channel<T>> channel)
      : detail::ChannelEnd<T, false>(std::move(channel)) {}

  // Waits for an item; a checkpoint even when there is one. Empty at the end: when every SendChannel is closed and all
  // that was sent is received. When it throws, no item is lost. ClosedError when this handle is closed, also during the
  // wait.
  std::optional<T> next() {
    const auto channel = this->open("receive");
    checkpoint_if_cancelled();
    std::optional<T> item;
    if (channel->take(item) || channel->ended()) {
      yield_now();
    } else {
      channel->wait_to_receive(this->number(), &item);
    }
    return item;
  }
  // The same, with an EndOfChannel at the end.
  T receive() {
    std::optional<T> item = next();
    if (!item) detail::throw_end_of_channel("receive");
    return std::move(*item);
  }
  // The same without waiting, and not a checkpoint: WouldBlock when there is no item yet.
  T receive_nowait() {
    const auto channel = this->open("receive_nowait");
    std::optional<T> item;
    if (channel->take(item)) return std::move(*item);
    if (channel->ended()) detail::throw_end_of_channel("receive_nowait");
    throw WouldBlock("receive_nowait: the channel is empty");
  }

  // for (T& item : channel): each step is a next(), the loop ends at the end.
  NextIterator<ReceiveChannel, T> begin() { return NextIterator<ReceiveChannel, T>(*this); }
  std::default_sentinel_t end() const { return {}; }

  // Another handle of the same end, whose receivers share the items with this one's; ClosedError when this one is
  // closed.
  ReceiveChannel clone() const { return ReceiveChannel(this->open("clone")); }
};

// Both ends of a new channel that holds up to `capacity` items: 0 hands every item over from task to task, kUnbounded
// never makes a sender wait.
template <class T>
std::pair<SendChannel<T>, ReceiveChannel<T>> open_memory_channel(std::size_t capacity) {
  auto channel = std::make_shared<detail::Channel<T>>(capacity);
  return {SendChannel<T>(channel), ReceiveChannel<T>(channel)};
}

}  // namespace tractor
