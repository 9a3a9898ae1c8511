#include "arbiter/client.h"

#include <grpcpp/channel.h>

#include "absl/strings/str_cat.h"
#include "runtime/task/scheduler.h"
#include "runtime/wire/actor_info_codec.h"
#include "runtime/wire/completion_queue.h"
#include "runtime/wire/error_codec.h"
#include "tractor/v1/arbiter.grpc.pb.h"

namespace tractor::arbiter {
namespace {

// Between two tries while the arbiter is away.
constexpr Clock::duration kRetryPause = std::chrono::milliseconds(100);

// Nobody can have what cannot travel.
void check_text(const std::string& text) {
  if (!is_utf8(text)) throw UsageError("names and labels are valid UTF-8, not " + Value(text).describe());
}

std::vector<ActorInfo> decode_all(const google::protobuf::RepeatedPtrField<v1::Registration>& from) {
  std::vector<ActorInfo> to;
  to.reserve(static_cast<std::size_t>(from.size()));
  for (const v1::Registration& registration : from) to.push_back(decode(registration));
  return to;
}

}  // namespace

struct Client::Stub {
  Stub(const std::string& address, Clock::duration unreachable_after)
      : stub(v1::ArbiterService::NewStub(open_channel(address, unreachable_after))) {}
  std::unique_ptr<v1::ArbiterService::Stub> stub;
};

Client::Client(const WireContext& wire, std::string address)
    : wire_(wire), address_(std::move(address)), stub_(std::make_unique<Stub>(address_, wire.unreachable_after)) {}

Client::~Client() = default;

template <class Request, class Response, class Prepare>
Response Client::ask(const Request& request, Prepare prepare) {
  throw_if_cancelled();
  grpc::ClientContext context;
  add_credentials(context, wire_, address_);
  Response response;
  grpc::Status status;
  Operation op("the arbiter's answer");
  auto reader = (stub_->stub.get()->*prepare)(&context, request, wire_.port->queue());
  reader->StartCall();
  reader->Finish(&response, &status, op.tag());
  op.wait([&] { context.TryCancel(); });
  if (status.ok()) return response;
  if (op.cancelled()) throw_if_cancelled();
  ErrorInfo error = from_status(status, {.name = "arbiter"});
  error.message = absl::StrCat("the arbiter at ", address_, " does not answer: ", error.message);
  std::rethrow_exception(exception_for(std::move(error)));
}

std::vector<ActorInfo> Client::find(const std::string& name, const std::map<std::string, std::string>& labels) {
  check_text(name);
  for (const auto& [key, value] : labels) {
    check_text(key);
    check_text(value);
  }
  v1::FindRequest request;
  request.set_name(name);
  request.mutable_labels()->insert(labels.begin(), labels.end());
  return decode_all(
      ask<v1::FindRequest, v1::FindResponse>(request, &v1::ArbiterService::Stub::PrepareAsyncFind).actors());
}

std::vector<ActorInfo> Client::wait_for(const std::string& name) {
  check_text(name);
  v1::FindRequest request;
  request.set_name(name);
  request.set_wait(true);
  while (true) {
    try {
      auto found = decode_all(
          ask<v1::FindRequest, v1::FindResponse>(request, &v1::ArbiterService::Stub::PrepareAsyncFind).actors());
      if (!found.empty()) return found;
    } catch (const RemoteActorError& e) {
      if (e.kind() != ErrorKind::unavailable) throw;
    }
    sleep(kRetryPause);
  }
}

std::vector<ActorInfo> Client::list() {
  return decode_all(ask<v1::ListRequest, v1::ListResponse>({}, &v1::ArbiterService::Stub::PrepareAsyncList).actors());
}

}  // namespace tractor::arbiter
