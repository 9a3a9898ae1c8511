#include "runtime/wire/frame_queue.h"

#include <algorithm>
#include <utility>

namespace tractor {

bool FrameQueue::Call::has(std::uint64_t ticket) const {
  return std::any_of(frames.begin(), frames.end(), [&](const Waiting& waiting) { return waiting.ticket == ticket; });
}

FrameQueue::Calls::iterator FrameQueue::find(std::uint64_t call, bool reply) {
  return std::find_if(calls_.begin(), calls_.end(),
                      [&](const Call& c) { return c.number == call && c.reply == reply; });
}

std::uint64_t FrameQueue::push_small(std::string_view frame) {
  ++last_ticket_;
  if (small_.empty()) {
    first_small_ = last_ticket_;
    small_.reserve(expected_);  // or it is copied as it grows
    append_number(small_, messages_ + 1);
  }
  append_frame(small_, frame);
  return last_ticket_;
}

std::uint64_t FrameQueue::push(std::uint64_t call, bool reply, std::string_view frame) {
  auto waiting = find(call, reply);
  if (waiting != calls_.end()) {
    ++last_ticket_;
  } else {
    if (frame.size() <= kMaxWhole) return push_small(frame);
    push_small(pieces_.chunk(call, reply, {.data = frame.substr(0, kPiece), .total_bytes = frame.size()}));
    waiting = calls_.insert(calls_.end(), {.number = call, .reply = reply, .frames = {}, .sent = kPiece});
    large_bytes_ -= kPiece;
  }
  waiting->frames.push_back({.ticket = last_ticket_, .frame = std::string(frame)});
  large_bytes_ += frame.size();
  return last_ticket_;
}

bool FrameQueue::withdraw(std::uint64_t call, bool reply, std::uint64_t ticket) {
  const auto waiting = find(call, reply);
  if (waiting == calls_.end() || !waiting->has(ticket)) return false;
  for (const Waiting& w : waiting->frames) large_bytes_ -= w.frame.size();
  large_bytes_ += waiting->sent;
  calls_.erase(waiting);
  return true;
}

std::string FrameQueue::take_message() {
  constexpr std::size_t kMostExpected = std::size_t{256} << 10;
  expected_ = std::min(small_.size(), kMostExpected);
  std::string message = std::exchange(small_, {});
  if (message.empty() && !calls_.empty()) append_number(message, messages_ + 1);
  if (!message.empty()) ++messages_;
  for (int i = 0; i < kPiecesPerMessage && !calls_.empty(); ++i) take_piece(message);
  return message;
}

void FrameQueue::take_piece(std::string& message) {
  Call& call = calls_.front();
  const std::string_view frame = call.frames.front().frame;
  const std::string_view piece = frame.substr(call.sent, kPiece);
  if (piece.size() == frame.size()) {
    append_frame(message, frame);
  } else {
    append_frame(message, pieces_.chunk(call.number, call.reply,
                                        {.data = piece,
                                         .total_bytes = call.sent == 0 ? frame.size() : 0,
                                         .last = call.sent + piece.size() == frame.size()}));
  }
  large_bytes_ -= piece.size();
  call.sent += piece.size();
  if (call.sent == frame.size()) {
    call.frames.pop_front();
    call.sent = 0;
  }
  if (call.frames.empty()) {
    calls_.pop_front();
  } else {
    calls_.splice(calls_.end(), calls_, calls_.begin());
  }
}

bool FrameQueue::taken(std::uint64_t ticket) const {
  if (std::any_of(calls_.begin(), calls_.end(), [&](const Call& call) { return call.has(ticket); })) return false;
  // Whatever came since the first small frame that waits is small and waits, or was large: then it is in no message
  // before that one.
  return small_.empty() || ticket < first_small_;
}

}  // namespace tractor
