#include "arbiter/registrar.h"

#include <grpcpp/channel.h>

#include "absl/strings/str_cat.h"
#include "arbiter/claim.h"
#include "runtime/log.h"
#include "runtime/wire/actor_info_codec.h"
#include "runtime/wire/completion_queue.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/outbox.h"
#include "tractor/v1/arbiter.grpc.pb.h"

namespace tractor::arbiter {
namespace {

constexpr std::uint32_t kVersion = 1;
constexpr Clock::duration kReconnectPause = std::chrono::milliseconds(100);

v1::RegisterRequest add_request(const ActorInfo& info) {
  v1::RegisterRequest request;
  *request.mutable_add() = encode(info);
  return request;
}

}  // namespace

struct TreeRegistrar::Connection {
  using Stream = grpc::ClientAsyncReaderWriter<v1::RegisterRequest, v1::RegisterResponse>;
  Connection(const WireContext& wire, const std::string& address)
      : stub(v1::ArbiterService::NewStub(open_channel(address, wire.unreachable_after))) {
    add_credentials(context, wire, address);
    stream = stub->PrepareAsyncRegister(&context, wire.port->queue());
    outbox.emplace(*stream);
  }
  grpc::ClientContext context;
  std::unique_ptr<v1::ArbiterService::Stub> stub;
  std::unique_ptr<Stream> stream;
  std::optional<Outbox<Stream, v1::RegisterRequest>> outbox;
};

TreeRegistrar::TreeRegistrar(const WireContext& wire, std::string address, std::function<void()> take_over)
    : wire_(wire), address_(std::move(address)), take_over_(std::move(take_over)) {}

TreeRegistrar::~TreeRegistrar() = default;

void TreeRegistrar::start(TaskNursery& system) {
  system.start_named("registrar", [this] { keep_connected(); });
  move_on_after(kConnectTimeout, [this] {
    changed_.wait_until("the arbiter to answer", [this] { return welcomed_ || vacant_ || !refusal_.empty(); });
  });
  if (welcomed_) return;
  if (vacant_) throw ArbiterGone(absl::StrCat("the arbiter at ", address_, " has ended"));
  if (!refusal_.empty()) throw UsageError(absl::StrCat("the arbiter at ", address_, ": ", refusal_));
  throw UsageError(absl::StrCat("something is at ", address_, ", but no tractor arbiter answers there within ",
                                absl::FormatDuration(absl::FromChrono(kConnectTimeout)),
                                last_error_.empty() ? "" : " (" + last_error_ + ")",
                                "; name another address in TRACTOR_ARBITER or RunOptions.arbiter"));
}

void TreeRegistrar::keep_connected() {
  while (true) {
    last_error_ = run_connection();
    throw_if_cancelled();
    if (std::exchange(connected_, false)) {
      log::warning(absl::StrCat("lost the arbiter at ", address_, " (", last_error_, "); trying until it is back"));
    }
    if (!welcomed_ && (!refusal_.empty() || check_vacant())) return;
    sleep(kReconnectPause);
    if (was_embedded_) take_over_();
  }
}

bool TreeRegistrar::check_vacant() {
  vacant_ = is_vacant(parse_address(address_));
  if (vacant_) changed_.notify();
  return vacant_;
}

std::string TreeRegistrar::run_connection() {
  Connection connection(wire_, address_);
  const auto cancel = [&] { connection.context.TryCancel(); };
  Operation started("the registration stream to open");
  connection.stream->StartCall(started.tag());
  bool ok = started.wait(cancel);
  v1::RegisterRequest hello;
  hello.mutable_hello()->set_version(kVersion);
  hello.mutable_hello()->set_tree_id(wire_.self.id);
  connection.outbox->send(std::move(hello));
  open_task_nursery([&](TaskNursery& tasks) {
    tasks.start_soon([&] { connection.outbox->run(); });
    while (ok) {
      v1::RegisterResponse response;
      Operation op("the arbiter's acknowledgement");
      connection.stream->Read(&response, op.tag());
      ok = op.wait(cancel);
      if (!ok) break;
      if (response.has_welcome()) {
        arbiter_ = decode(response.welcome().arbiter());
        welcomed_ = true;
        was_embedded_ = response.welcome().embedded();
        refusal_.clear();
        connection_ = &connection;
        connected_ = true;
        for (const auto& [id, info] : actors_) connection.outbox->send(add_request(info));
      } else if (!response.added().empty()) {
        acknowledged_.insert(response.added());
      }
      changed_.notify();
    }
    connection_ = nullptr;
    changed_.notify();
    connection.outbox->close();
  });
  grpc::Status status;
  Operation finished("the registration stream to end");
  connection.stream->Finish(&status, finished.tag());
  finished.wait(cancel);
  switch (status.error_code()) {
    case grpc::StatusCode::UNIMPLEMENTED:
      refusal_ =
          "a gRPC server answers there, but it is no tractor arbiter; name another address in TRACTOR_ARBITER or "
          "RunOptions.arbiter";
      break;
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::PERMISSION_DENIED:
      refusal_ = status.error_message();
      break;
    default:
      break;
  }
  changed_.notify();
  return status.ok() ? "it ended the registration" : status.error_message();
}

void TreeRegistrar::add(const ActorInfo& info) {
  actors_[info.id] = info;
  if (connection_ == nullptr) return;  // it is told when it is back
  acknowledged_.erase(info.id);
  connection_->outbox->send(add_request(info));
  changed_.wait_until("a registration to be acknowledged", [&] {
    return acknowledged_.contains(info.id) || connection_ == nullptr || !actors_.contains(info.id);
  });
  acknowledged_.erase(info.id);
}

void TreeRegistrar::remove(const std::string& actor_id) {
  if (actors_.erase(actor_id) == 0 || connection_ == nullptr) return;
  v1::RegisterRequest request;
  request.set_remove(actor_id);
  connection_->outbox->send(std::move(request));
}

}  // namespace tractor::arbiter
