#include "runtime/wire/link_end.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/version.h"
#include "runtime/wire/hybrid_clock.h"

namespace tractor {

void link_rule_broken(const std::string& what) {
  throw LinkError(ErrorKind::failed_precondition, "the other end of the link breaks its rules: " + what);
}

LinkEnd::LinkEnd(Carrier& carrier, const ActorRef& self) : carrier_(carrier) {
  queue_.push(0, false,
              writer_.hello({.actor = self,
                             .max_message_bytes = kMaxFrameBytes,
                             .max_calls = kMaxCalls,
                             .item_room = kDefaultItemRoom,
                             .build = absl::StrCat("tractor ", version())}));
}

std::string LinkEnd::take_message() {
  while (!items_.empty() && queue_.small_bytes() <= kMaxQueued) items_.front().flush();  // the rest next time
  std::string message = queue_.take_message();
  if (!message.empty()) append_clock(message, hybrid_clock().now());
  room_.notify();
  return message;
}

std::uint64_t LinkEnd::send(std::uint64_t call, bool reply, std::string_view frame) {
  if (stopped_) return 0;
  const std::uint64_t ticket = queue_.push(call, reply, frame);
  carrier_.write_soon();
  return ticket;
}

void LinkEnd::send_cancel(std::uint64_t call, std::uint64_t ticket_of_open, const std::string& reason) {
  if (stopped_) return;
  if (queue_.withdraw(call, false, ticket_of_open)) room_.notify();
  queue_.push_small(writer_.cancel(call, reason));
  carrier_.write_soon();
}

void LinkEnd::items_wait(ItemSource& source) {
  if (stopped_ || source.is_linked()) return;
  items_.push_back(source);
  carrier_.write_soon();
}

void LinkEnd::wait_for_small_room() {
  room_.wait_until("room on a link", [this] { return stopped_ || queue_.small_bytes() <= kMaxQueued; });
}

void LinkEnd::wait_for_large_room() {
  room_.wait_until("room on a link", [this] { return stopped_ || has_large_room(); });
}

void LinkEnd::wait_for_hello() {
  room_.wait_until("the other end of a link", [this] { return stopped_ || greeted_; });
}

void LinkEnd::stop_sending() {
  stopped_ = true;
  while (!queue_.empty()) queue_.take_message();
  items_.clear();
  room_.notify();
}

// False when it has come before.
bool LinkEnd::is_next(std::uint64_t number) {
  if (number <= received_) return number == 0;
  if (number > received_ + 1) {
    throw LinkError(ErrorKind::unavailable,
                    absl::StrCat("the link has lost messages: ", number, " came after ", received_));
  }
  received_ = number;
  return true;
}

void LinkEnd::receive(std::string_view message) {
  try {
    if (!is_next(read_number(message))) return;
    const auto take = [this](const Frame& frame) {
      if (!greeted_) return take_hello(frame);
      switch (frame.kind) {
        case FrameKind::hello:
          link_rule_broken("a second hello");
        case FrameKind::chunk:
          return take_chunk(frame);
        case FrameKind::unknown:
          return;  // of a later version, which knows that we do not
        default:
          return on_frame(frame);
      }
    };
    // No task acts on a frame before the clock is known.
    for_each_frame(message, take, [](std::uint64_t clock) { hybrid_clock().observe(clock); });
  } catch (const WireFormatError& e) {
    link_rule_broken(e.what());
  }
}

void LinkEnd::take_hello(const Frame& frame) {
  if (frame.kind != FrameKind::hello) link_rule_broken("its first frame is no hello");
  const LinkHello hello = read_hello(frame.body);
  if (hello.version_min > kNewestLinkVersion || hello.version_max < kOldestLinkVersion) {
    throw LinkError(ErrorKind::failed_precondition,
                    absl::StrCat("the other end", hello.build.empty() ? "" : absl::StrCat(" (", hello.build, ")"),
                                 " speaks versions ", hello.version_min, " to ", hello.version_max,
                                 " of the link, this one (tractor ", version(), ") ", kOldestLinkVersion, " to ",
                                 kNewestLinkVersion, ": build both from releases that share one"));
  }
  other_ = hello.actor;
  room_there_ = hello.item_room;
  if (hello.max_calls != 0) max_calls_there_ = hello.max_calls;
  greeted_ = true;
  room_.notify();
}

void LinkEnd::take_chunk(const Frame& frame) {
  const ChunkFrame chunk = read_chunk(frame.body);
  auto [found, is_first] = partial_.try_emplace(frame.call);
  Partial& partial = found->second;
  if (is_first) {
    if (chunk.total_bytes == 0 || chunk.total_bytes > kMaxFrameBytes + FrameQueue::kMaxWhole)
      link_rule_broken(absl::StrCat("a frame of ", chunk.total_bytes, " bytes in pieces"));
    on_first_piece(frame.call);
    partial.bytes_left = chunk.total_bytes;
  }
  if (chunk.data.empty()) link_rule_broken("an empty piece of a frame");
  if (partial_.size() > kMaxCalls) link_rule_broken(absl::StrCat("more than ", kMaxCalls, " frames in pieces"));
  if (chunk.data.size() > partial.bytes_left) link_rule_broken("pieces that are more than their frame");
  partial.bytes_left -= chunk.data.size();
  partial.bytes += chunk.data;  // no more memory than has come, whatever total_bytes says
  partial_bytes_ += chunk.data.size();
  if (partial_bytes_ > kMaxPartial) link_rule_broken(absl::StrCat("more than ", kMaxPartial, " bytes in pieces"));
  if (!chunk.last) return;
  const std::string bytes = std::move(partial.bytes);
  partial_bytes_ -= bytes.size();
  partial_.erase(found);
  const Frame inner = read_frame(bytes);
  if (inner.call != frame.call || inner.kind == FrameKind::chunk || inner.kind == FrameKind::hello)
    link_rule_broken("pieces of a frame that is not what they say");
  if (inner.kind != FrameKind::unknown) on_frame(inner);
}

void LinkEnd::forget_pieces(std::uint64_t call) {
  const auto found = partial_.find(call);
  if (found == partial_.end()) return;
  partial_bytes_ -= found->second.bytes.size();
  partial_.erase(found);
}

}  // namespace tractor
