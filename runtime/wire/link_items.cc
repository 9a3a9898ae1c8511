#include "runtime/wire/link_items.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "runtime/wire/call_handler.h"
#include "runtime/wire/value_codec.h"

namespace tractor {
namespace {

// A stream that need not wait lets other tasks, and what arrives, have their turn after so many items.
constexpr int kItemsPerTurn = 32;
// An item of that size goes in a frame of its own: in a run it would be copied twice more.
constexpr std::size_t kLargeItem = 4096;
// A run that is as large waits for the next message, so that its frame goes whole.
constexpr std::size_t kFullRun = FrameQueue::kPiece - kLargeItem;

}  // namespace

LinkItems::LinkItems(LinkEnd& link, std::uint64_t call, bool reply, std::string function,
                     std::optional<ItemRoom> room_there, ItemRoom room_here)
    : link_(link),
      call_(call),
      reply_(reply),
      function_(std::move(function)),
      room_there_(room_there),
      inbox_(room_here) {}

// --- sending ---

void LinkItems::send(const Value& item) {
  checkpoint_if_cancelled();
  FrameWriter::ItemFrame written;
  while (true) {
    wait_for_credit();
    link_.wait_for_small_room();
    if (room_there_->empty() || call_ended_ || send_closed_) continue;  // another task was faster
    written = link_.writer().item(call_, reply_, function_, item);
    check_item_size(function_, written.item.size());
    if (written.item.size() < kLargeItem) break;
    if (run_.empty() && (written.frame.size() <= FrameQueue::kMaxWhole || link_.has_large_room())) break;
    flush();
    link_.wait_for_large_room();
  }
  if (written.item.size() >= kLargeItem) {
    room_there_->use(written.item.size());
    link_.send(call_, reply_, written.frame);
  } else {
    add_to_run(written.item);
  }
  if (link_.writing()) {
    switch_now_and_then();
  } else {
    yield_now();  // so that it is written now: this task may compute for long
  }
}

void LinkItems::wait_for_credit() {
  if (!room_there_) {
    link_.wait_for_hello();
    if (!room_there_) room_there_ = link_.room_there();
  }
  can_send_.wait_until("room for an item", [this] {
    return call_ended_ || send_closed_ || (!room_there_->empty() && run_.size() < kFullRun);
  });
  if (send_closed_) throw ClosedError("nothing can be sent after close_send(): the call of " + function_);
  if (call_ended_) throw BrokenError("the call of " + function_ + " has ended: nobody receives what is sent");
}

void LinkItems::add_to_run(std::string_view item) {
  if (run_.takes(item)) {
    room_there_->use(run_.add(item));
  } else {
    const std::string kept(item);  // flushing writes frames over it
    flush();
    room_there_->use(run_.add(kept));
  }
  link_.items_wait(*this);
}

void LinkItems::flush() {
  if (run_.empty()) return;
  unlink();
  link_.send(call_, reply_, link_.writer().items(call_, reply_, run_));
  run_.clear();
  can_send_.notify();
}

void LinkItems::close_send() {
  if (std::exchange(send_closed_, true) || call_ended_) return;
  flush();
  link_.send(call_, reply_, link_.writer().close_send(call_, reply_));
  can_send_.notify();
}

void LinkItems::started(const Value& value) {
  if (std::exchange(started_, true))
    throw UsageError(function_ + ": started() was called before, and the caller knows");
  absl::Cleanup not_sent = [this] { started_ = false; };
  const std::string_view frame = link_.write_with_room([&] { return link_.writer().started(call_, function_, value); });
  check_started_size(function_, frame.size());
  std::move(not_sent).Cancel();
  link_.send(call_, reply_, frame);
}

// --- receiving ---

std::optional<Value> LinkItems::receive() {
  checkpoint_if_cancelled();
  switch_now_and_then();
  can_receive_.wait_until("an item", [this] { return !inbox_.empty() || receive_ended_ || call_ended_; });
  if (inbox_.empty()) return std::nullopt;
  const absl::Cleanup taken = [this] { grant(); };  // also what is no value
  return converting([this] { return item_of(function_); }, [this] { return inbox_.take(); });
}

void LinkItems::grant() {
  if (call_ended_ || receive_ended_) return;
  if (const std::optional<ItemRoom> room = inbox_.take_grant())
    link_.send(call_, reply_, link_.writer().credit(call_, reply_, *room));
}

void LinkItems::discard() {
  discards_ = true;
  inbox_.clear();
  grant();
}

void LinkItems::take(const Frame& frame) {
  switch (frame.kind) {
    case FrameKind::credit:
      if (!room_there_) room_there_ = link_.room_there();
      room_there_->add(read_room(frame.body));
      return can_send_.notify();
    case FrameKind::close_send:
      receive_ended_ = true;
      return can_receive_.notify();
    default: {
      if (receive_ended_) link_rule_broken(absl::StrCat("an item of call ", call_, " after its close_send"));
      const bool has_room =
          frame.kind == FrameKind::items ? inbox_.add_run(std::string(frame.body)) : inbox_.add_item(frame.body);
      if (!has_room) link_rule_broken(absl::StrCat("more items of call ", call_, " than there is room for"));
      if (discards_) return discard();
      return can_receive_.notify();
    }
  }
}

// --- both ---

void LinkItems::switch_now_and_then() {
  if (++items_since_switch_ < kItemsPerTurn) return;
  items_since_switch_ = 0;
  yield_now();
}

void LinkItems::end() {
  call_ended_ = true;
  can_send_.notify();
  can_receive_.notify();
}

}  // namespace tractor
