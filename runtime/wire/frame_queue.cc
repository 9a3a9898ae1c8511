#include "runtime/wire/frame_queue.h"

#include <algorithm>
#include <utility>

namespace tractor {

std::uint64_t FrameQueue::push(std::uint64_t call, bool reply, std::string_view frame) {
  const std::uint64_t ticket = ++last_ticket_;
  auto waiting =
      std::find_if(calls_.begin(), calls_.end(), [&](const Call& c) { return c.number == call && c.reply == reply; });
  if (waiting == calls_.end()) {
    if (small_.empty()) {
      first_small_ = ticket;
      small_.reserve(expected_);  // or it is copied as it grows
      append_number(small_, messages_ + 1);
    }
    if (frame.size() <= kMaxWhole) {
      append_frame(small_, frame);
      return ticket;
    }
    append_frame(small_, pieces_.chunk(call, reply, {.data = frame.substr(0, kPiece), .total_bytes = frame.size()}));
    waiting = calls_.insert(calls_.end(), {.number = call, .reply = reply, .frames = {}, .sent = kPiece});
    large_bytes_ -= kPiece;
  }
  waiting->frames.push_back({.ticket = ticket, .frame = std::string(frame)});
  large_bytes_ += frame.size();
  return ticket;
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
  const auto is_it = [&](const Waiting& waiting) { return waiting.ticket == ticket; };
  for (const Call& call : calls_) {
    if (std::any_of(call.frames.begin(), call.frames.end(), is_it)) return false;
  }
  // Whatever came since the first small frame that waits is small and waits, or was large: then it is in no message
  // before that one.
  return small_.empty() || ticket < first_small_;
}

}  // namespace tractor
