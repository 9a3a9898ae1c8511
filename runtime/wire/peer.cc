#include "runtime/wire/peer.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/create_channel_posix.h>
#include <grpcpp/generic/generic_stub.h>
#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "runtime/task/scheduler.h"
#include "runtime/wire/actor_description_codec.h"
#include "runtime/wire/address.h"
#include "runtime/wire/completion_queue.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/value_codec.h"
#include "tractor/internal/invoke.pb.h"
#include "tractor/v1/actor.grpc.pb.h"

namespace tractor {
namespace {

grpc::ChannelArguments channel_arguments() {
  grpc::ChannelArguments args;
  args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  args.SetMaxReceiveMessageSize(kMaxMessageBytes);
  args.SetMaxSendMessageSize(kMaxMessageBytes);
  return args;
}

// gRPC takes addresses for URIs.
std::string target(const std::string& address) {
  if (!address.starts_with("unix:")) return address;
  std::string uri = "unix:";
  for (const char c : address.substr(uri.size())) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
        std::string_view("/._-~").find(c) != std::string_view::npos) {
      uri += c;
    } else {
      absl::StrAppend(&uri, "%", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    }
  }
  return uri;
}

// The first address that can work from here.
std::string choose(const ActorRef& actor, const std::vector<std::string>& addresses) {
  for (const std::string& text : addresses) {
    const Address address = parse_address(text);
    if (address.kind == Address::Kind::tcp || ::access(address.path.c_str(), F_OK) == 0) return text;
  }
  if (!addresses.empty()) return addresses.front();
  throw CallError(ErrorKind::unavailable, absl::StrCat("actor \"", actor.name, "\" serves nowhere: it has no address"));
}

}  // namespace

std::shared_ptr<grpc::Channel> open_channel(const std::string& address) {
  return grpc::CreateCustomChannel(target(address), grpc::InsecureChannelCredentials(), channel_arguments());
}

std::shared_ptr<grpc::Channel> open_channel_on(int descriptor) {
  return grpc::CreateCustomInsecureChannelFromFd(absl::StrCat("fd:", descriptor), descriptor, channel_arguments());
}

void check_result_size(const std::string& function, std::size_t bytes) {
  if (bytes <= kMaxMessageBytes) return;
  throw CallError(ErrorKind::resource_exhausted, absl::StrCat("the result of ", function, " has ", bytes,
                                                              " bytes; a message has at most ", kMaxMessageBytes));
}

void add_credentials(grpc::ClientContext& context, const WireContext& wire, const std::string& address) {
  if (!wire.bearer_token.empty() && !address.starts_with("unix:"))
    context.AddMetadata("authorization", "Bearer " + wire.bearer_token);
}

struct Peer::Stubs {
  explicit Stubs(const std::string& address) : Stubs(open_channel(address)) {}
  explicit Stubs(const std::shared_ptr<grpc::Channel>& channel)
      : actor(v1::ActorService::NewStub(channel)), invoke(channel) {}
  std::unique_ptr<v1::ActorService::Stub> actor;
  grpc::TemplatedGenericStub<internal::InvokeRequest, internal::InvokeResponse> invoke;
};

// The cancelling of one call: a Cancel RPC, and a timer that gives the call up when nobody acknowledges it. gRPC keeps
// no order between calls: a Cancel that overtook its call finds nothing there, and is sent again.
class Peer::Cancellation final : private Tag {
 public:
  Cancellation(Peer& peer, grpc::ClientContext& call, std::string call_id)
      : peer_(peer), call_(call), call_id_(std::move(call_id)) {}

  // Called at most once, on the loop.
  void start() {
    give_up_timer_.arm(deadline_after(kCancelAcknowledgement));
    send();
  }

  // After the call's own tag: waits until gRPC is done with the Cancel RPC, too.
  void finish() {
    give_up_timer_.disarm();
    again_timer_.disarm();
    if (!rpc_) return;
    rpc_->context.TryCancel();
    Waiter waiter("a cancel to be acknowledged");
    finisher_ = &waiter;
    waiter.wait_shielded();
  }
  bool given_up() const { return given_up_; }

 private:
  struct Rpc {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientAsyncResponseReader<v1::CancelResponse>> reader;
    v1::CancelResponse response;
    grpc::Status status;
  };
  template <void (Cancellation::*kFire)()>
  struct MemberTimer : Timer {
    explicit MemberTimer(Cancellation& c)
        : Timer([](Timer& t) { (static_cast<MemberTimer&>(t).owner.*kFire)(); }), owner(c) {}
    Cancellation& owner;
  };

  void send() {
    v1::CancelRequest request;
    request.set_call_id(call_id_);
    encode(peer_.wire_.self, *request.mutable_requested_by());
    rpc_.emplace();
    add_credentials(rpc_->context, peer_.wire_, peer_.address_);
    rpc_->reader = peer_.stubs_->actor->PrepareAsyncCancel(&rpc_->context, request, peer_.wire_.queue);
    rpc_->reader->StartCall();
    rpc_->reader->Finish(&rpc_->response, &rpc_->status, tag());
  }
  void done(bool /*ok*/) override {
    const bool answered = rpc_->status.ok();
    const bool found = rpc_->response.found();
    rpc_.reset();
    if (finisher_ != nullptr) return finisher_->wake();
    if (answered && found) give_up_timer_.disarm();
    if (answered && !found) again_timer_.arm(deadline_after(kPause));
  }
  void give_up() {
    given_up_ = true;
    again_timer_.disarm();
    call_.TryCancel();
  }

  static constexpr Clock::duration kPause = std::chrono::milliseconds(2);

  Peer& peer_;
  grpc::ClientContext& call_;
  std::string call_id_;
  std::optional<Rpc> rpc_;  // while it is in flight
  MemberTimer<&Cancellation::give_up> give_up_timer_{*this};
  MemberTimer<&Cancellation::send> again_timer_{*this};
  Waiter* finisher_ = nullptr;
  bool given_up_ = false;
};

Peer::Peer(const WireContext& wire, ActorRef actor, std::vector<std::string> addresses)
    : wire_(wire),
      actor_(std::move(actor)),
      addresses_(std::move(addresses)),
      address_(choose(actor_, addresses_)),
      stubs_(std::make_unique<Stubs>(address_)) {}

Peer::~Peer() = default;

Value Peer::invoke(const std::string& function, Arguments arguments) {
  throw_if_cancelled();
  const Clock::time_point deadline = current_effective_deadline();

  internal::InvokeRequest request;
  request.set_function(function);
  encode_arguments(function, arguments.positional, *request.mutable_args());
  encode_arguments(function, arguments.named, *request.mutable_named_args());
  arguments = {};                      // they are in the request, and the call may take long
  static std::uint64_t last_call = 0;  // of this process: two portals may lead to one actor
  ++calls_started_;
  request.set_call_id(absl::StrCat(wire_.self.id, "-", ++last_call));
  if (deadline != Clock::kNever) *request.mutable_timeout() = encode_duration(deadline - Clock::now());
  encode(wire_.self, *request.mutable_caller());
  request.set_target_actor_id(actor_.id);
  request.set_error_delivery(v1::ERROR_DELIVERY_BODY);
  if (const std::size_t size = request.ByteSizeLong(); size > kMaxMessageBytes) {
    throw CallError(ErrorKind::resource_exhausted, absl::StrCat("the arguments of ", function, " have ", size,
                                                                " bytes; a message has at most ", kMaxMessageBytes));
  }

  struct InFlight {
    explicit InFlight(int& c) : count(c) { ++count; }
    ~InFlight() { --count; }
    int& count;
  } in_flight(calls_in_flight_);

  grpc::ClientContext context;
  add_credentials(context, wire_, address_);
  internal::InvokeResponse response;
  grpc::Status status;
  Cancellation cancellation(*this, context, request.call_id());
  Operation op("a call");
  static const std::string kMethod = "/tractor.v1.ActorService/Invoke";
  auto reader = stubs_->invoke.PrepareUnaryCall(&context, kMethod, request, wire_.queue);
  reader->StartCall();
  reader->Finish(&response, &status, op.tag());
  op.wait([&] { cancellation.start(); });
  cancellation.finish();

  if (!status.ok() && op.cancelled() && owner_ && owner_->is_ending()) throw_if_cancelled();
  if (cancellation.given_up() && status.error_code() == grpc::StatusCode::CANCELLED) {
    throw RemoteActorError({.type = "tractor::Unacknowledged",
                            .message = absl::StrCat("the call of ", function,
                                                    " was cancelled, but the actor did not acknowledge that within ",
                                                    absl::ToInt64Milliseconds(absl::FromChrono(kCancelAcknowledgement)),
                                                    " ms: it was given up, its state there is unknown"),
                            .kind = ErrorKind::unavailable,
                            .origin = actor_});
  }
  if (status.ok() && response.has_value()) return decode_result(function, response.value());

  ErrorInfo error = status.ok() ? decode(response.error()) : from_status(status, actor_);
  // The other side says that it ended the call, or the whole actor ended meanwhile: what this task's own cancellation
  // asked for.
  const bool ended_there = error.kind == ErrorKind::cancelled ||
                           (status.ok() && error.kind == ErrorKind::unavailable && error.origin == actor_);
  if (ended_there && op.cancelled()) throw_if_cancelled();
  if (error.kind == ErrorKind::deadline_exceeded && deadline != Clock::kNever)
    sleep_until(deadline);  // our own deadline: throws Cancelled
  if (error.kind == ErrorKind::unavailable && !status.ok()) {
    if (owner_) {
      if (const std::exception_ptr cause = owner_->post_mortem()) std::rethrow_exception(cause);
    }
    if (error.type == "tractor::Unavailable") {
      error.message = absl::StrCat("the call of ", function, " failed, actor \"", actor_.name, "\" at ", address_,
                                   " cannot be reached: ", error.message);
    }
  }
  std::rethrow_exception(exception_for(std::move(error)));
}

namespace {

// One RPC of the service other than a call of a function: `start` makes its reader.
template <class Response, class F>
Response ask(const char* waits_for, const WireContext& wire, const Peer& peer, F start) {
  grpc::ClientContext context;
  add_credentials(context, wire, peer.address());
  Response response;
  grpc::Status status;
  Operation op(waits_for);
  auto reader = start(context);
  reader->StartCall();
  reader->Finish(&response, &status, op.tag());
  op.wait([&] { context.TryCancel(); });
  if (op.cancelled()) throw_if_cancelled();
  if (!status.ok()) std::rethrow_exception(exception_for(from_status(status, peer.actor())));
  return response;
}

bool send_cancel(const WireContext& wire, v1::ActorService::Stub& stub, const Peer& peer, v1::CancelRequest request) {
  encode(wire.self, *request.mutable_requested_by());
  return ask<v1::CancelResponse>(
             "a cancel to be acknowledged", wire, peer,
             [&](grpc::ClientContext& context) { return stub.PrepareAsyncCancel(&context, request, wire.queue); })
      .found();
}

}  // namespace

ActorDescription Peer::describe() {
  return decode(ask<v1::DescribeResponse>("an actor's description", wire_, *this, [&](grpc::ClientContext& context) {
    return stubs_->actor->PrepareAsyncDescribe(&context, {}, wire_.queue);
  }));
}

bool Peer::cancel_call(const std::string& call_id, const std::string& reason) {
  v1::CancelRequest request;
  request.set_call_id(call_id);
  request.set_reason(reason);
  return send_cancel(wire_, *stubs_->actor, *this, std::move(request));
}

bool Peer::cancel_actor(Clock::duration budget, const std::string& reason) {
  v1::CancelRequest request;
  request.set_actor_id(actor_.id);
  request.set_reason(reason);
  *request.mutable_budget() = encode_duration(budget);
  return send_cancel(wire_, *stubs_->actor, *this, std::move(request));
}

}  // namespace tractor
