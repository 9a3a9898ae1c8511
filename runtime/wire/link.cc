#include "runtime/wire/link.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/task/scheduler.h"
#include "runtime/version.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/hybrid_clock.h"
#include "runtime/wire/link_items.h"

namespace tractor {

void link_rule_broken(const std::string& what) {
  throw LinkError(ErrorKind::failed_precondition, "the other end of the link breaks its rules: " + what);
}

// --- both ends ---

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
  queue_.push_first(writer_.cancel(call, reason));
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

// --- the calling end ---

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
  if (ended_) return;
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
      if (!started_with_) {
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

// --- the serving end ---

struct ServingEnd::Call {
  Invocation invocation = {};
  ServedCall served = {};
  std::unique_ptr<LinkItems> items = {};
};

void ServingEnd::end_items() {
  for (const auto& [number, call] : calls_) {
    if (call->items) call->items->end();
  }
}

void ServingEnd::go_away() { send(0, false, writer().go_away("the actor is shutting down")); }

void ServingEnd::on_frame(const Frame& frame) {
  if (frame.kind == FrameKind::go_away) return;
  if (frame.reply || frame.call == 0) link_rule_broken("it answers what was never asked");
  if (frame.kind == FrameKind::open) return open(frame.call, frame.body);
  if (frame.call > last_call_)
    link_rule_broken(absl::StrCat("a frame for call ", frame.call, ", which was never opened"));
  const auto found = calls_.find(frame.call);
  Call* call = found == calls_.end() ? nullptr : found->second.get();
  switch (frame.kind) {
    case FrameKind::cancel:
      if (opening_.erase(frame.call) != 0) return cancel_before_it_opens(frame.call);
      send(frame.call, true, writer().cancel_ack(frame.call, call != nullptr));
      if (call != nullptr) call->served.cancel(other(), read_reason(frame.kind, frame.body));
      return;
    case FrameKind::item:
    case FrameKind::items:
    case FrameKind::credit:
    case FrameKind::close_send:
      if (call == nullptr) return;
      if (!call->items) link_rule_broken(absl::StrCat("items for call ", frame.call, ", which wants one value"));
      return call->items->take(frame);
    default:
      link_rule_broken("a frame that is for callers");
  }
}

// Of a call that it opens, or of an item of one that is open.
void ServingEnd::on_first_piece(std::uint64_t call) {
  if (call <= last_call_) return;
  last_call_ = call;
  opening_.insert(call);
}

void ServingEnd::cancel_before_it_opens(std::uint64_t number) {
  forget_pieces(number);
  send(number, true, writer().cancel_ack(number, true));
  ErrorInfo error = error_info(
      std::make_exception_ptr(CallError(ErrorKind::cancelled, "it was cancelled before all its arguments had come")),
      handler_.self());
  error.executed = Executed::no;
  fail(number, error);
}

void ServingEnd::open(std::uint64_t number, std::string_view body) {
  if (opening_.erase(number) == 0) {
    if (number <= last_call_) link_rule_broken(absl::StrCat("call ", number, " is opened after call ", last_call_));
    last_call_ = number;
  }
  CallRequest request;
  try {
    read_call(body, request);
    check_target(request.target_actor_id, handler_.self());
    if (nursery_ == nullptr) return fail(number, shutting_down(handler_.self(), Executed::no));
    if (calls_.size() >= kMaxCalls) {
      throw CallError(ErrorKind::resource_exhausted,
                      absl::StrCat("more than ", kMaxCalls, " calls in flight on one link"));
    }
  } catch (const CallError&) {
    return fail(number, error_info(std::current_exception(), handler_.self()));
  }
  auto call = std::make_shared<Call>();
  if (request.item_room)
    call->items =
        std::make_unique<LinkItems>(*this, number, true, request.function, request.item_room, kDefaultItemRoom);
  call->invocation = {.function = std::move(request.function),
                      .arguments = std::move(request.arguments),
                      .call_id = std::move(request.call_id),
                      .deadline = request.timeout ? deadline_after(*request.timeout) : Clock::kNever,
                      .caller = other(),
                      .stream = call->items.get()};
  calls_.emplace(number, call);
  nursery_->start_soon([this, number, call = std::move(call)] { serve(number, *call); });
}

void ServingEnd::serve(std::uint64_t number, Call& call) {
  const std::string function = call.invocation.function;
  ErrorInfo error;
  try {
    const Value value = handler_.invoke(std::move(call.invocation), call.served);
    if (call.items) call.items->flush();
    const std::string_view frame = write_with_room([&] { return writer().value(number, function, value); });
    check_result_size(function, frame.size());
    return finish(number, frame);
  } catch (const Cancelled& cancelled) {
    cancelled.absorb();
    error = shutting_down(handler_.self(), Executed::maybe);
  } catch (...) {
    error = error_info(std::current_exception(), handler_.self());
  }
  CancelScope({.shield = true}).run([this] { wait_for_small_room(); });
  fail(number, error);
}

void ServingEnd::fail(std::uint64_t number, const ErrorInfo& error) {
  if (const auto call = calls_.find(number); call != calls_.end() && call->second->items) call->second->items->flush();
  finish(number, writer().error(number, error));
}

void ServingEnd::finish(std::uint64_t number, std::string_view frame) {
  calls_.erase(number);
  send(number, true, frame);
}

}  // namespace tractor
