#include "runtime/process/parent_link.h"

#include <grpcpp/client_context.h>
#include <grpcpp/support/async_stream.h>

#include "runtime/log.h"
#include "runtime/process/child_token.h"
#include "runtime/wire/actor_info_codec.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/hybrid_clock.h"
#include "runtime/wire/ledger_event_codec.h"
#include "runtime/wire/outbox.h"
#include "runtime/wire/peer.h"
#include "runtime/wire/value_codec.h"
#include "tractor/v1/supervision.grpc.pb.h"

namespace tractor {

struct ParentLink::Connection {
  using Stream = grpc::ClientAsyncReaderWriter<v1::SuperviseRequest, v1::SuperviseResponse>;
  Connection(int descriptor, grpc::CompletionQueue* queue) {
    context.AddMetadata(kChildTokenKey, receive_child_token(descriptor));  // before gRPC has the socket
    stub = v1::SupervisionService::NewStub(open_channel_on(descriptor));
    stream = stub->PrepareAsyncSupervise(&context, queue);
    outbox.emplace(*stream);
  }
  grpc::ClientContext context;
  std::unique_ptr<v1::SupervisionService::Stub> stub;
  std::unique_ptr<Stream> stream;
  std::optional<Outbox<Stream, v1::SuperviseRequest>> outbox;
};

ParentLink::ParentLink(int descriptor, grpc::CompletionQueue* queue)
    : connection_(std::make_unique<Connection>(descriptor, queue)) {}

ParentLink::~ParentLink() = default;

v1::SpawnSpec ParentLink::start(TaskNursery& system, Events events) {
  events_ = std::move(events);
  Operation started("the supervision stream to open");
  connection_->stream->StartCall(started.tag());
  started.wait_shielded();
  v1::SuperviseRequest hello;
  hello.mutable_hello();
  send(std::move(hello));
  system.start_named("parent link reader", [this] { read_loop(); });
  changed_.wait_until("this actor's specification", [this] { return have_spec_ || ended_; });
  if (!have_spec_) throw Error("the parent was gone before it said what to do");
  return std::move(spec_);
}

// Reads until the stream ends, and takes the writer with it.
void ParentLink::read_loop() {
  CancelScope({.shield = true}).run([this] {
    open_task_nursery([this](TaskNursery& tasks) {
      tasks.start_soon([this] {
        connection_->outbox->run();
        Operation op("the end of the supervision stream to be sent");
        connection_->stream->WritesDone(op.tag());
        op.wait_shielded();
      });
      while (true) {
        v1::SuperviseResponse message;
        Operation op("a message from the parent");
        connection_->stream->Read(&message, op.tag());
        if (!op.wait_shielded()) break;
        hybrid_clock().observe(message.clock());
        switch (message.message_case()) {
          case v1::SuperviseResponse::kSpec:
            spec_ = std::move(*message.mutable_spec());
            have_spec_ = true;
            break;
          case v1::SuperviseResponse::kRegistered:
            acknowledged_.insert(message.registered());
            break;
          case v1::SuperviseResponse::kCancel:
            events_.on_cancel(decode_duration(message.cancel().budget()), decode(message.cancel().requested_by()),
                              message.cancel().reason());
            break;
          case v1::SuperviseResponse::MESSAGE_NOT_SET:
            log::warning("ignored an unknown message of the parent");
            break;
        }
        changed_.notify();
      }
      connection_->outbox->close();
    });
    grpc::Status status;
    Operation op("the supervision stream to end");
    connection_->stream->Finish(&status, op.tag());
    op.wait_shielded();
  });
  ended_ = true;
  changed_.notify();
  if (!closing_) events_.on_parent_gone();
}

void ParentLink::send(v1::SuperviseRequest message) {
  message.set_clock(hybrid_clock().now());
  connection_->outbox->send(std::move(message));
}

void ParentLink::send_ready(const ActorInfo& info) {
  v1::SuperviseRequest message;
  *message.mutable_ready() = encode(info);
  send(std::move(message));
  connection_->outbox->wait_written();  // a one-shot function may compute for long before its first checkpoint
}

void ParentLink::send_outcome(const std::string& function, Value value) {
  v1::SuperviseRequest message;
  encode_result(function, value, *message.mutable_outcome()->mutable_value());
  message.set_clock(hybrid_clock().now());  // counts
  check_result_size(function, message.ByteSizeLong());
  send(std::move(message));
}

void ParentLink::send_outcome(const ErrorInfo& error) {
  v1::SuperviseRequest message;
  encode(error, *message.mutable_outcome()->mutable_error());
  send(std::move(message));
}

void ParentLink::send_ending(const ActorRef& requested_by) {
  v1::SuperviseRequest message;
  encode(requested_by, *message.mutable_ending()->mutable_requested_by());
  send(std::move(message));
}

void ParentLink::close(Clock::duration timeout) {
  closing_ = true;
  connection_->outbox->close();
  CancelScope({.deadline = deadline_after(timeout), .shield = true}).run([this] {
    changed_.wait_until("the parent to read the last messages", [this] { return ended_; });
  });
  if (!ended_) connection_->context.TryCancel();
}

void ParentLink::add(const ActorInfo& info) {
  v1::SuperviseRequest message;
  *message.mutable_register_() = encode(info);
  send(std::move(message));
  changed_.wait_until("a registration to be acknowledged", [&] { return acknowledged_.contains(info.id) || ended_; });
  acknowledged_.erase(info.id);
}

void ParentLink::remove(const std::string& actor_id) {
  v1::SuperviseRequest message;
  message.set_unregister(actor_id);
  send(std::move(message));
}

void ParentLink::load(const std::string& actor_id, std::uint32_t calls_in_flight) {
  v1::SuperviseRequest message;
  message.mutable_load()->set_actor_id(actor_id);
  message.mutable_load()->set_calls_in_flight(calls_in_flight);
  send(std::move(message));
}

void ParentLink::spawned(pid_t pid) {
  v1::SuperviseRequest message;
  message.mutable_spawned()->set_pid(pid);
  send(std::move(message));
}

void ParentLink::reaped(pid_t pid) {
  v1::SuperviseRequest message;
  message.mutable_reaped()->set_pid(pid);
  send(std::move(message));
}

void ParentLink::record(LedgerEvent event) {
  v1::SuperviseRequest message;
  *message.mutable_event() = encode(event);
  send(std::move(message));
}

}  // namespace tractor
