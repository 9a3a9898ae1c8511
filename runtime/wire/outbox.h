// Messages waiting to be written to a stream, one write in flight. send() never waits, so it may be called from
// anywhere on the loop; run() is the writing task. For control streams, whose messages are few: who sends for an other
// end that may not read, holds itself back with wait_for_room(). Loop thread only.
#pragma once

#include <deque>
#include <utility>

#include "runtime/task/condition.h"
#include "runtime/wire/completion_queue.h"

namespace tractor {

template <class Stream, class Message>
class Outbox {
 public:
  explicit Outbox(Stream& stream) : stream_(stream) {}

  // False when the stream has ended: the message goes nowhere.
  bool send(Message message) {
    if (closed_) return false;
    queue_.push_back(std::move(message));
    if (idle_ != nullptr) std::exchange(idle_, nullptr)->wake();
    return true;
  }

  // What was sent so far still goes out; then run() returns.
  void close() {
    closed_ = true;
    room_.notify();
    if (idle_ != nullptr) std::exchange(idle_, nullptr)->wake();
  }
  bool closed() const { return closed_; }

  // Until what was sent so far is written, or the stream has ended, whatever is cancelled. For a caller that may not
  // let the writer run for a long time. Lets other tasks run meanwhile instead of parking: a write takes microseconds.
  void wait_written() const {
    while (!closed_ && (idle_ == nullptr || !queue_.empty())) yield_now();
  }

  // Parks until fewer than kRoom messages wait, or the stream has ended.
  void wait_for_room() {
    if (queue_.size() < kRoom) return;
    room_.wait_until("room for what is to be sent", [this] { return closed_ || queue_.size() < kRoom; });
  }

  // Writes until close(), or until a write fails. Not ended by cancellation: close() it, or end the stream.
  void run() {
    run([](Operation& op) { return op.wait_shielded(); });
  }
  // The same, for who knows how to end a write: `wait` returns when its tag has come, with gRPC's ok.
  template <class Wait>
  void run(Wait&& wait) {
    while (true) {
      if (queue_.empty()) {
        if (closed_) return;
        Waiter waiter("something to send");
        idle_ = &waiter;
        waiter.wait_shielded();
        continue;
      }
      const Message message = std::move(queue_.front());
      queue_.pop_front();
      Operation op("a message to be sent");
      stream_.Write(message, op.tag());
      const bool written = wait(op);
      if (!written) {
        closed_ = true;
        queue_.clear();
      }
      room_.notify();
      if (!written) return;
    }
  }

 private:
  static constexpr std::size_t kRoom = 1000;

  Stream& stream_;
  std::deque<Message> queue_;
  Condition room_;
  Waiter* idle_ = nullptr;
  bool closed_ = false;
};

}  // namespace tractor
