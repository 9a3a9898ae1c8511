#include "runtime/wire/link.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/task/scheduler.h"
#include "runtime/wire/error_codec.h"

namespace tractor {
namespace {

[[noreturn]] void rule_broken(const std::string& what) {
  throw LinkError(ErrorKind::failed_precondition, "the other end of the link breaks its rules: " + what);
}

}  // namespace

// --- both ends ---

LinkEnd::LinkEnd(Carrier& carrier, const ActorRef& self) : carrier_(carrier) {
  queue_.push(0, false, writer_.hello({.actor = self, .max_message_bytes = kMaxFrameBytes, .max_calls = kMaxCalls}));
}

std::string LinkEnd::take_message() {
  std::string message = queue_.take_message();
  room_.notify();
  return message;
}

std::uint64_t LinkEnd::send(std::uint64_t call, bool reply, std::string_view frame) {
  if (stopped_) return 0;
  const std::uint64_t ticket = queue_.push(call, reply, frame);
  carrier_.write_soon();
  return ticket;
}

void LinkEnd::stop_sending() {
  stopped_ = true;
  while (!queue_.empty()) queue_.take_message();
  room_.notify();
}

void LinkEnd::receive(std::string_view message) {
  try {
    for_each_frame(message, [this](const Frame& frame) {
      if (!greeted_) return take_hello(frame);
      switch (frame.kind) {
        case FrameKind::hello:
          rule_broken("a second hello");
        case FrameKind::chunk:
          return take_chunk(frame);
        case FrameKind::unknown:
          return;  // of a later version, which knows that we do not
        default:
          return on_frame(frame);
      }
    });
  } catch (const WireFormatError& e) {
    rule_broken(e.what());
  }
}

void LinkEnd::take_hello(const Frame& frame) {
  if (frame.kind != FrameKind::hello) rule_broken("its first frame is no hello");
  const LinkHello hello = read_hello(frame.body);
  if (hello.version_min > kNewestLinkVersion || hello.version_max < kOldestLinkVersion) {
    throw LinkError(ErrorKind::failed_precondition,
                    absl::StrCat("the other end speaks versions ", hello.version_min, " to ", hello.version_max,
                                 " of the link, this one ", kOldestLinkVersion, " to ", kNewestLinkVersion,
                                 ": build both from releases that share one"));
  }
  other_ = hello.actor;
  greeted_ = true;
}

void LinkEnd::take_chunk(const Frame& frame) {
  const ChunkFrame chunk = read_chunk(frame.body);
  auto [found, is_first] = partial_.try_emplace(frame.call);
  std::string& whole = found->second;
  if (is_first && (chunk.total_bytes == 0 || chunk.total_bytes > kMaxFrameBytes + FrameQueue::kPiece))
    rule_broken(absl::StrCat("a frame of ", chunk.total_bytes, " bytes in pieces"));
  if (is_first) {
    on_first_piece(frame.call);
    whole.reserve(chunk.total_bytes);
  }
  if (whole.size() + chunk.data.size() > whole.capacity()) rule_broken("pieces that are more than their frame");
  whole += chunk.data;
  if (!chunk.last) return;
  const std::string bytes = std::move(whole);
  partial_.erase(found);
  const Frame inner = read_frame(bytes);
  if (inner.call != frame.call || inner.kind == FrameKind::chunk || inner.kind == FrameKind::hello)
    rule_broken("pieces of a frame that is not what they say");
  if (inner.kind != FrameKind::unknown) on_frame(inner);
}

// --- the calling end ---

struct CallingEnd::Pending {
  struct GiveUp : Timer {
    explicit GiveUp(Pending& c) : Timer([](Timer& t) { static_cast<GiveUp&>(t).call.give_up(); }), call(c) {}
    Pending& call;
  };
  void give_up() {
    outcome.given_up = true;
    link.end(*this);
  }

  CallingEnd& link;
  std::uint64_t number;
  const std::string& function;
  std::uint64_t ticket = 0;
  CallOutcome outcome = {};
  Waiter waiter{"a call"};
  GiveUp patience{*this};
};

CallOutcome CallingEnd::call(const CallRequest& request, Clock::duration patience) {
  const std::string_view frame = write_with_room([&] { return writer().open(last_call_ + 1, request); });
  if (broken_) return {.error = lost(*broken_, false)};
  check_arguments_size(request.function, frame.size());
  Pending call{.link = *this, .number = ++last_call_, .function = request.function};
  calls_.emplace(call.number, &call);
  call.ticket = send(call.number, false, frame);
  call.waiter.wait([&] {
    cancel(call, patience);
    return Abort::kLater;
  });
  call.outcome.cancelled = call.waiter.cancelled();
  return std::move(call.outcome);
}

void CallingEnd::cancel(Pending& call, Clock::duration patience) {
  call.patience.arm(deadline_after(patience));
  send(call.number, false, writer().cancel(call.number, ""));
}

void CallingEnd::end(Pending& call) {
  calls_.erase(call.number);
  call.patience.disarm();
  call.waiter.wake();
}

ErrorInfo CallingEnd::lost(const ErrorInfo& why, bool executed) const {
  ErrorInfo error = why;
  error.executed = executed ? Executed::maybe : Executed::no;
  return error;
}

void CallingEnd::break_off(ErrorInfo why) {
  if (broken_) return;
  broken_ = std::move(why);
  std::vector<Pending*> pending;
  for (const auto& [number, call] : calls_) pending.push_back(call);
  for (Pending* call : pending) {
    call->outcome.error = lost(*broken_, queue().taken(call->ticket));
    end(*call);
  }
  stop_sending();
}

void CallingEnd::on_frame(const Frame& frame) {
  if (frame.kind == FrameKind::go_away) return;  // the end of the stream follows
  if (!frame.reply || frame.call == 0) rule_broken("it calls, on a link that it did not open");
  if (frame.call > last_call_) rule_broken(absl::StrCat("an answer to call ", frame.call, ", which was never opened"));
  const auto found = calls_.find(frame.call);
  if (found == calls_.end()) return;
  Pending& call = *found->second;
  switch (frame.kind) {
    case FrameKind::cancel_ack:
      if (read_found(frame.body)) call.patience.disarm();
      return;
    case FrameKind::value:
      call.outcome.answered = true;
      try {
        call.outcome.value = read_value(call.function, frame.body);
      } catch (const CallError&) {
        call.outcome.error = error_info(std::current_exception(), {});
      }
      return end(call);
    case FrameKind::error:
      call.outcome.answered = true;
      call.outcome.error = read_error(frame.body);
      return end(call);
    default:
      rule_broken("a frame that answers nothing");
  }
}

// --- the serving end ---

struct ServingEnd::Call {
  Invocation invocation = {};
  ServedCall served = {};
};

void ServingEnd::on_frame(const Frame& frame) {
  if (frame.kind == FrameKind::go_away) return;
  if (frame.reply || frame.call == 0) rule_broken("it answers what was never asked");
  if (frame.kind == FrameKind::open) return open(frame.call, frame.body);
  if (frame.call > last_call_) rule_broken(absl::StrCat("a frame for call ", frame.call, ", which was never opened"));
  if (frame.kind != FrameKind::cancel) rule_broken("a frame that is for callers");
  const auto found = calls_.find(frame.call);
  send(frame.call, true, writer().cancel_ack(frame.call, found != calls_.end()));
  if (found != calls_.end()) found->second->served.cancel(other(), read_reason(frame.kind, frame.body));
}

void ServingEnd::on_first_piece(std::uint64_t call) {
  if (call <= last_call_) rule_broken(absl::StrCat("call ", call, " is opened after call ", last_call_));
  last_call_ = call;
  opening_.insert(call);
}

void ServingEnd::open(std::uint64_t number, std::string_view body) {
  if (opening_.erase(number) == 0) {
    if (number <= last_call_) rule_broken(absl::StrCat("call ", number, " is opened after call ", last_call_));
    last_call_ = number;
  }
  CallRequest request;
  try {
    read_open(body, request);
    check_target(request.target_actor_id, handler_.self());
    if (nursery_ == nullptr) throw CallError(ErrorKind::unavailable, "the actor is shutting down");
    if (calls_.size() >= kMaxCalls) {
      throw CallError(ErrorKind::resource_exhausted,
                      absl::StrCat("more than ", kMaxCalls, " calls in flight on one link"));
    }
  } catch (const CallError&) {
    return refuse(number, std::current_exception());
  }
  auto call = std::make_shared<Call>();
  call->invocation = {.function = std::move(request.function),
                      .arguments = std::move(request.arguments),
                      .call_id = std::move(request.call_id),
                      .deadline = request.timeout ? deadline_after(*request.timeout) : Clock::kNever,
                      .caller = other()};
  calls_.emplace(number, call);
  nursery_->start_soon([this, number, call = std::move(call)] { serve(number, *call); });
}

void ServingEnd::serve(std::uint64_t number, Call& call) {
  const std::string function = call.invocation.function;
  try {
    const Value value = handler_.invoke(std::move(call.invocation), call.served);
    const std::string_view frame = write_with_room([&] { return writer().value(number, function, value); });
    check_result_size(function, frame.size());
    calls_.erase(number);
    send(number, true, frame);
  } catch (const Cancelled& cancelled) {
    cancelled.absorb();
    refuse(number, std::make_exception_ptr(CallError(ErrorKind::unavailable, "the actor is shutting down")));
  } catch (...) {
    refuse(number, std::current_exception());
  }
}

void ServingEnd::refuse(std::uint64_t number, const std::exception_ptr& error) {
  calls_.erase(number);
  send(number, true, writer().error(number, error_info(error, handler_.self())));
}

}  // namespace tractor
