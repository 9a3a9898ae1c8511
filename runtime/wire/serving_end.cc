#include "runtime/wire/serving_end.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/wire/error_info.h"
#include "runtime/wire/link_items.h"

namespace tractor {
namespace {

// Once this actor ends: for what still is to be sent.
constexpr Clock::duration kSendTimeout = std::chrono::seconds(1);
// Answers that wait until the other end reads: more than those to all the calls that it may have in flight.
constexpr std::size_t kMostUnread = 64 * LinkEnd::kMaxQueued;

}  // namespace

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
  if (queue().small_bytes() > kMostUnread) link_rule_broken("it asks on and on, and reads no answer");
  if (frame.kind == FrameKind::open) return open(frame.call, frame.body);
  if (frame.call > last_call_)
    link_rule_broken(absl::StrCat("a frame for call ", frame.call, ", which was never opened"));
  const auto found = calls_.find(frame.call);
  Call* call = found == calls_.end() ? nullptr : found->second.get();
  if (frame.kind != FrameKind::cancel && opening_.contains(frame.call))
    link_rule_broken(absl::StrCat("a frame for call ", frame.call, " in pieces, which does not open it"));
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
  fail(number, own_error(ErrorKind::cancelled, "it was cancelled before all its arguments had come", handler_.self(),
                         Executed::no));
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
  try {
    if (call.items) call.items->flush();
    return finish(number, write_with_room([&] { return writer().error(number, error); }));
  } catch (const Cancelled& cancelled) {  // a caller that does not read cannot keep this actor from ending
    cancelled.absorb();
  }
  CancelScope({.deadline = deadline_after(kSendTimeout), .shield = true}).run([this] { wait_for_small_room(); });
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
