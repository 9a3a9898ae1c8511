#include "runtime/wire/calling_end.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/task/scheduler.h"
#include "runtime/wire/call_handler.h"
#include "runtime/wire/error_info.h"
#include "runtime/wire/link_items.h"

namespace tractor {
namespace {

bool is_item(FrameKind kind) { return kind == FrameKind::item || kind == FrameKind::items; }

}  // namespace

CallOutcome CallingEnd::call(const CallRequest& request, Clock::duration patience) {
  OutgoingCall call(*this, request, patience);
  call.wait_or_cancel();
  return std::move(call.outcome());
}

void CallingEnd::break_off(ErrorInfo why) {
  broken_ = true;
  refusal_ = std::move(why);
  std::vector<OutgoingCall*> pending;
  for (const auto& [number, call] : calls_) pending.push_back(call);
  for (OutgoingCall* call : pending) call->lose(*refusal_, queue().taken(call->ticket_));
  stop_sending();
}

void CallingEnd::on_first_piece(std::uint64_t call) {
  if (call > last_call_) link_rule_broken(absl::StrCat("pieces for call ", call, ", which was never opened"));
}

void CallingEnd::wait_for_break() {
  room().wait_until("the end of a link", [this] { return broken_; });
}

std::string_view CallingEnd::write_open(const CallRequest& request) {
  while (true) {
    room().wait_until("a call on a link to end", [this] { return has_room_for_call(); });
    const std::string_view frame = write_with_room([&] { return writer().open(last_call_ + 1, request); });
    if (has_room_for_call()) return frame;
  }
}

void CallingEnd::on_frame(const Frame& frame) {
  if (frame.kind == FrameKind::go_away) {
    said_goodbye_ = true;
    refusal_ = shutting_down(other(), Executed::no);
    const std::string reason = read_reason(frame.kind, frame.body);
    if (!reason.empty()) refusal_->message = reason;
    room().notify();
    return;
  }
  if (!frame.reply || frame.call == 0) link_rule_broken("it calls, on a link that it did not open");
  if (frame.call > last_call_)
    link_rule_broken(absl::StrCat("an answer to call ", frame.call, ", which was never opened"));
  const auto found = calls_.find(frame.call);
  if (found != calls_.end()) found->second->on_frame(frame);
}

OutgoingCall::OutgoingCall(CallingEnd& link, const CallRequest& request, Clock::duration patience)
    : link_(link), function_(request.function), patience_(patience) {
  const std::string_view frame = link.write_open(request);
  check_arguments_size(function_, frame.size());
  number_ = ++link.last_call_;
  if (request.item_room) {
    items_ = std::make_unique<LinkItems>(link, number_, false, function_, std::nullopt, *request.item_room);
  }
  if (link.refusal_) {
    outcome_.answered = !link.broken_;
    lose(*link.refusal_, false);
    return;
  }
  link.calls_.emplace(number_, this);
  ticket_ = link.send(number_, false, frame);
}

OutgoingCall::~OutgoingCall() {
  if (!ended_) link_.calls_.erase(number_);
}

void OutgoingCall::wait_or_cancel() {
  if (ended_) return yield_now();  // who tries again and again would freeze the rest
  Waiter waiter("a call");
  waiter_ = &waiter;
  waiter.wait([this] {
    cancel("");
    return Abort::kLater;
  });
  outcome_.cancelled = waiter.cancelled();
}

void OutgoingCall::cancel(const std::string& reason) {
  if (ended_ || std::exchange(cancel_asked_, true)) return;
  give_up_.arm(deadline_after(patience_));
  link_.send_cancel(number_, ticket_, reason);
}

void OutgoingCall::on_frame(const Frame& frame) {
  switch (frame.kind) {
    case FrameKind::cancel_ack:
      outcome_.acknowledged = true;
      give_up_.disarm();  // when it was not found it has ended already, and its last frame is on its way
      return;
    case FrameKind::value:
    case FrameKind::error:
      outcome_.answered = true;
      try {
        if (frame.kind == FrameKind::error) {
          outcome_.error = read_error(frame.body);
        } else {
          outcome_.value = read_value(function_, frame.body);
        }
      } catch (const CallError&) {
        outcome_.error = error_info(std::current_exception(), {});
      }
      return end();
    case FrameKind::started:
    case FrameKind::item:
    case FrameKind::items:
    case FrameKind::credit:
    case FrameKind::close_send:
      if (items_ == nullptr) link_rule_broken(absl::StrCat("items of call ", number_, ", which wants one value"));
      if (!started_with_ && (frame.kind == FrameKind::started || is_item(frame.kind))) {
        started_with_ = frame.kind == FrameKind::started ? read_started(function_, frame.body) : Value();
        changed_.notify();
      }
      if (frame.kind != FrameKind::started) items_->take(frame);
      return;
    default:
      link_rule_broken("a frame that answers nothing");
  }
}

void OutgoingCall::lose(const ErrorInfo& why, bool executed) {
  outcome_.error = why;
  outcome_.error.executed = executed ? Executed::maybe : Executed::no;
  end();
}

OutgoingCall::GiveUp::GiveUp(OutgoingCall& c)
    : Timer([](Timer& t) { static_cast<GiveUp&>(t).call.give_up(); }), call(c) {}

void OutgoingCall::give_up() {
  outcome_.given_up = true;
  end();
}

void OutgoingCall::end() {
  ended_ = true;
  if (!link_.has_room_for_call()) link_.room().notify();
  link_.calls_.erase(number_);
  give_up_.disarm();
  if (items_ != nullptr) items_->end();
  if (waiter_ != nullptr) waiter_->wake();
  changed_.notify();
  if (on_end_) on_end_();
}

}  // namespace tractor
