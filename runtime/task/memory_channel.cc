#include "runtime/task/memory_channel.h"

#include <string>

namespace tractor::detail {

ChannelCore::End ChannelCore::open_sender() {
  ++senders_;
  return ++last_end_;
}

ChannelCore::End ChannelCore::open_receiver() {
  ++receivers_;
  return ++last_end_;
}

void ChannelCore::close_sender(End end) {
  --senders_;
  end_waits(sending_, Wait::Outcome::kClosed, [end](const Wait& wait) { return wait.end == end; });
  if (ended()) end_waits(receiving_, Wait::Outcome::kOtherEndGone, [](const Wait&) { return true; });
}

bool ChannelCore::close_receiver(End end) {
  --receivers_;
  end_waits(receiving_, Wait::Outcome::kClosed, [end](const Wait& wait) { return wait.end == end; });
  if (broken()) end_waits(sending_, Wait::Outcome::kOtherEndGone, [](const Wait&) { return true; });
  return broken();
}

template <class Which>
void ChannelCore::end_waits(Waits& waits, Wait::Outcome outcome, Which&& which) {
  for (auto at = waits.begin(); at != waits.end();) {
    Wait& wait = static_cast<Wait&>(*at);
    if (!which(wait)) {
      ++at;
      continue;
    }
    at = waits.erase(at);
    wait.outcome = outcome;
    wait.wake();
  }
}

MemoryChannelStatistics ChannelCore::statistics(std::size_t items) const {
  return {.items = items,
          .capacity = capacity_,
          .open_senders = senders_,
          .open_receivers = receivers_,
          .tasks_waiting_to_send = sending_.size(),
          .tasks_waiting_to_receive = receiving_.size()};
}

void ChannelCore::wait_to_send(End end, void* item) {
  Wait wait("room in a memory channel", end, item);
  wait.wait_in(sending_);
  if (wait.outcome == Wait::Outcome::kClosed) throw_closed("send");
  if (wait.outcome == Wait::Outcome::kOtherEndGone) throw_broken();
}

void ChannelCore::wait_to_receive(End end, void* item) {
  Wait wait("an item of a memory channel", end, item);
  wait.wait_in(receiving_);
  if (wait.outcome == Wait::Outcome::kClosed) throw_closed("receive");
}

void ChannelCore::wake_first_sender() {
  Waiter& sender = sending_.front();
  sending_.pop_front();
  sender.wake();
}

void ChannelCore::wake_first_receiver() {
  Waiter& receiver = receiving_.front();
  receiving_.pop_front();
  receiver.wake();
}

void throw_closed(const char* what) {
  throw ClosedError(std::string(what) + ": this end of the channel was closed here");
}
void throw_broken() {
  throw BrokenError("send: every ReceiveChannel of this channel is closed; nobody would receive it");
}
void throw_end_of_channel(const char* what) {
  throw EndOfChannel(std::string(what) + ": every SendChannel is closed and all that was sent is received");
}

}  // namespace tractor::detail
