#include "runtime/wire/call_service.h"

#include <grpcpp/support/slice.h>

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "runtime/task/condition.h"
#include "runtime/wire/call_request.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/error_info.h"
#include "runtime/wire/item_run.h"
#include "runtime/wire/item_stream.h"
#include "runtime/wire/value_codec.h"
#include "tractor/v1/actor.pb.h"

namespace tractor {
namespace {

Clock::time_point deadline_of(const grpc::ServerContext& context, const CallRequest& request) {
  Clock::time_point deadline = Clock::kNever;
  if (request.timeout) deadline = deadline_after(*request.timeout);
  const gpr_timespec raw = context.raw_deadline();
  if (gpr_time_cmp(raw, gpr_inf_future(raw.clock_type)) != 0) {
    const gpr_timespec left = gpr_time_sub(raw, gpr_now(raw.clock_type));
    deadline = std::min(deadline, deadline_after(clamped_duration(left.tv_sec, left.tv_nsec)));
  }
  return deadline;
}

Invocation invocation_of(const grpc::ServerContext& context, InvokeRequest request) {
  const Clock::time_point deadline = deadline_of(context, request.call);
  return {.function = std::move(request.call.function),
          .arguments = std::move(request.call.arguments),
          .call_id = std::move(request.call.call_id),
          .deadline = deadline,
          .caller = std::move(request.caller)};
}

// The content of an InvokeResponse.
void write_result(const std::string& function, const Value& value, BackwardWriter& to) {
  to.message_field(v1::InvokeResponse::kValueFieldNumber,
                   [&] { converting([&] { return result_of(function); }, [&] { write_value(value, to); }); });
}
void write_error(const ErrorInfo& error, BackwardWriter& to) {
  v1::Error message;
  encode(error, message);
  to.bytes_field(v1::InvokeResponse::kErrorFieldNumber, message.SerializeAsString());
}

// Runs `serve` and returns what it failed with: nothing, or the error for the caller.
template <class F>
std::optional<ErrorInfo> error_of(CallHandler& handler, F&& serve) {
  try {
    serve();
    return std::nullopt;
  } catch (const Cancelled& cancelled) {
    cancelled.absorb();
    return shutting_down(handler.self(), Executed::maybe);
  } catch (const WireFormatError& e) {
    return error_info(std::make_exception_ptr(CallError(ErrorKind::invalid_argument, e.what())), handler.self());
  } catch (...) {
    return error_info(std::current_exception(), handler.self());
  }
}

// Invokes it for as long as the caller wants it.
Value invoke_while_wanted(CallHandler& handler, ServerCall& call, Invocation invocation, ServedCall& served) {
  Value value;
  if (call.run_while_wanted([&] { value = handler.invoke(std::move(invocation), served); }))
    throw CallError(ErrorKind::cancelled, "the caller went away");
  return value;
}

}  // namespace

void serve_invoke(CallHandler& handler, RawUnaryCall& call) {
  InvokeRequest request;
  BackwardWriter response;
  std::optional<ErrorInfo> error = error_of(handler, [&] {
    read_invoke(to_text(std::exchange(call.request, {})), request);
    check_target(request.call.target_actor_id, handler.self());
    const std::string function = request.call.function;
    ServedCall served;
    const Value value = invoke_while_wanted(handler, call, invocation_of(call.context(), std::move(request)), served);
    write_result(function, value, response);
    check_result_size(function, response.bytes().size());
  });
  if (error && request.error_in_body) {
    response.clear();
    write_error(*std::exchange(error, std::nullopt), response);
  }
  if (error) {
    call.finish({}, to_status(*error));
  } else {
    call.finish(to_buffer(response.take_bytes()), grpc::Status::OK);
  }
}

namespace {

// What a Stream's function sees of it. A caller that has said for how many items it has room is sent no more; any other
// is held back by the transport, one item in flight. Its own items are read ahead as far as kDefaultItemRoom.
class RawItems final : public ServedStream {
 public:
  RawItems(RawStreamCall& call, ServedCall& served, const InvokeRequest& request)
      : call_(call),
        served_(served),
        caller_(request.caller),
        function_(request.call.function),
        room_there_(request.call.item_room) {
    read_on();
  }

  void send(const Value& item) override {
    checkpoint_if_cancelled();
    const auto has_room = [this] { return !room_there_ || !room_there_->empty(); };
    changed_.wait_until("room for an item", [&] { return send_closed_ || (!writing_ && (has_room() || read_ended_)); });
    if (!send_closed_ && !has_room()) {  // it is half closed, or gone, which cancels this task soon
      sleep(std::chrono::milliseconds(500));
      throw BrokenError("the caller grants no more room: the call of " + function_);
    }
    if (send_closed_) throw ClosedError("nothing can be sent after close_send(): the call of " + function_);
    BackwardWriter message;
    std::size_t size = 0;
    message.message_field(v1::StreamResponse::kItemFieldNumber, [&] {
      converting([&] { return item_of(function_); }, [&] { write_value(item, message); });
      size = message.bytes().size();
    });
    check_item_size(function_, size);
    if (room_there_) room_there_->use(size);
    write(message);
    yield_now();  // or other tasks of this call that wait for their turn would come behind this one's next item
  }
  std::optional<Value> receive() override {
    checkpoint_if_cancelled();
    changed_.wait_until("an item", [this] { return !inbox_.empty() || read_ended_ || items_ended_; });
    if (inbox_.empty()) return std::nullopt;
    const absl::Cleanup taken = [this] {  // also what is no value
      inbox_.take_grant();
      read_on();
    };
    return converting([this] { return item_of(function_); }, [this] { return inbox_.take(); });
  }
  void close_send() override {
    if (std::exchange(send_closed_, true)) return;
    BackwardWriter message;
    message.message_field(v1::StreamResponse::kCloseSendFieldNumber, [] {});
    write_after_others(message);
    changed_.notify();
  }
  void started(const Value& value) override {
    if (started_) throw UsageError(function_ + ": started() was called before, and the caller knows");
    BackwardWriter message;
    message.message_field(v1::StreamResponse::kStartedFieldNumber, [&] {
      message.message_field(v1::Started::kValueFieldNumber, [&] { write_value(value, message); });
    });
    check_started_size(function_, message.bytes().size());
    started_ = true;
    write_after_others(message);
  }

  // What breaks the contract, and has cancelled the call.
  const std::optional<std::string>& violation() const { return violation_; }
  // The last message, after those that were sent before.
  void send_last(BackwardWriter& message) { write_after_others(message); }
  // For as long as the caller takes to read it; once this actor ends, for not much longer.
  void wait_written() {
    const auto all_written = [this] { return waiting_.empty(); };
    try {
      changed_.wait_until("a stream's last messages", [&] { return !writing_ && all_written(); });
    } catch (const Cancelled& cancelled) {
      cancelled.absorb();
      call_.wait_written(
          changed_, [this] { return writing_; }, all_written);
    }
  }
  // After the stream has finished.
  void wait_until_read() {
    CancelScope({.shield = true}).run([this] {
      changed_.wait_until("the last read of a stream", [this] { return !reading_; });
    });
  }

 private:
  void write(BackwardWriter& message) {
    writing_ = true;
    call_.stream.Write(to_buffer(message.take_bytes()), written_.tag());
  }
  // For what does not wait for its turn.
  void write_after_others(BackwardWriter& message) {
    if (writing_) {
      waiting_.push_back(message.take_bytes());
    } else {
      write(message);
    }
  }
  void on_written(bool ok) {
    writing_ = false;
    if (!ok) waiting_.clear();
    if (!waiting_.empty()) {
      writing_ = true;
      call_.stream.Write(to_buffer(std::move(waiting_.front())), written_.tag());
      waiting_.pop_front();
    }
    changed_.notify();
  }

  void read_on() {
    if (reading_ || read_ended_ || !inbox_.has_room()) return;
    reading_ = true;
    call_.stream.Read(&buffer_, read_.tag());
  }
  void on_read(bool ok) {
    reading_ = false;
    read_ended_ = read_ended_ || !ok;
    try {
      if (ok) take(to_text(buffer_));
    } catch (const Error& e) {
      violation_ = e.what();
      read_ended_ = true;
      served_.cancel(caller_, *violation_);
    }
    read_on();
    changed_.notify();
  }
  void take(const std::string& message) {
    for (Reader from(message); !from.done();) {
      switch (const std::uint32_t tag = from.tag()) {
        case tag_of(v1::StreamRequest::kItemFieldNumber, kLengthDelimited):
          if (items_ended_) throw WireFormatError("an item after close_send");
          inbox_.add_item(from.bytes());
          break;
        case tag_of(v1::StreamRequest::kCreditFieldNumber, kLengthDelimited): {
          const ItemRoom more = read_room(from.bytes());
          if (!room_there_) throw WireFormatError("a credit, though the call was opened without item_room");
          room_there_->add(more);
          break;
        }
        case tag_of(v1::StreamRequest::kCloseSendFieldNumber, kLengthDelimited):
          from.bytes();
          items_ended_ = true;
          break;
        case tag_of(v1::StreamRequest::kOpenFieldNumber, kLengthDelimited):
          throw WireFormatError("a call that is opened twice");
        default:
          from.skip(tag);
      }
    }
  }

  RawStreamCall& call_;
  ServedCall& served_;
  const ActorRef caller_;
  const std::string function_;
  std::optional<ItemRoom> room_there_;
  ItemInbox inbox_{kDefaultItemRoom};
  grpc::ByteBuffer buffer_;
  std::deque<std::string> waiting_;
  Condition changed_;
  std::optional<std::string> violation_;
  MemberTag<RawItems, &RawItems::on_read> read_{*this};
  MemberTag<RawItems, &RawItems::on_written> written_{*this};
  bool reading_ = false;
  bool read_ended_ = false;   // nothing more comes
  bool items_ended_ = false;  // no more items come
  bool writing_ = false;
  bool send_closed_ = false;
  bool started_ = false;
};

// The first message of a Stream.
void read_opening(RawStreamCall& call, InvokeRequest& request) {
  grpc::ByteBuffer buffer;
  if (!call.read(buffer)) throw CallError(ErrorKind::cancelled, "the caller went away before it opened a call");
  const std::string message = to_text(buffer);
  Reader from(message);
  if (from.done() || from.tag() != tag_of(v1::StreamRequest::kOpenFieldNumber, kLengthDelimited))
    throw WireFormatError("the first message of a Stream opens a call: StreamRequest.open");
  read_invoke(from.bytes(), request);
}

}  // namespace

void serve_stream(CallHandler& handler, RawStreamCall& call) {
  InvokeRequest request;
  ServedCall served;
  std::optional<RawItems> items;
  BackwardWriter last;
  std::optional<ErrorInfo> error = error_of(handler, [&] {
    read_opening(call, request);
    const std::string function = request.call.function;
    items.emplace(call, served, request);
    check_target(request.call.target_actor_id, handler.self());
    Invocation invocation = invocation_of(call.context(), std::move(request));
    invocation.stream = &*items;
    const Value value = invoke_while_wanted(handler, call, std::move(invocation), served);
    last.message_field(v1::StreamResponse::kResultFieldNumber, [&] { write_result(function, value, last); });
    check_result_size(function, last.bytes().size());
  });
  if (items && items->violation())  // however the function took that it was cancelled
    error = error_of(handler, [&] { throw WireFormatError(*items->violation()); });
  // A call that could not be opened fails by its status, whatever was asked for.
  if (error && items && request.error_in_body) {
    last.clear();
    last.message_field(v1::StreamResponse::kResultFieldNumber, [&] { write_error(*error, last); });
    error.reset();
  }
  if (items) {
    if (!error) items->send_last(last);
    items->wait_written();
  }
  call.finish(error ? to_status(*error) : grpc::Status::OK);
  if (items) items->wait_until_read();
}

grpc::ByteBuffer to_buffer(std::string message) {
  auto* owned = new std::string(std::move(message));
  const grpc::Slice slice(
      owned->data(), owned->size(), [](void* text) { delete static_cast<std::string*>(text); }, owned);
  return grpc::ByteBuffer(&slice, 1);
}

std::string to_text(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  text.reserve(buffer.Length());
  if (!buffer.Dump(&slices).ok()) throw WireFormatError("a message that cannot be unpacked");
  for (const grpc::Slice& slice : slices) text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return text;
}

}  // namespace tractor
