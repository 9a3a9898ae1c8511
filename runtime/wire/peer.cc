#include "runtime/wire/peer.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/create_channel_posix.h>
#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/task_nursery.h"
#include "runtime/wire/actor_description_codec.h"
#include "runtime/wire/address.h"
#include "runtime/wire/call_handler.h"
#include "runtime/wire/completion_queue.h"
#include "runtime/wire/duration_text.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/error_info.h"
#include "runtime/wire/hybrid_clock.h"
#include "runtime/wire/link_stream.h"
#include "runtime/wire/text.h"
#include "runtime/wire/value_codec.h"
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

// Asks for a sign of life in time for the answer to be missed.
grpc::ChannelArguments channel_arguments_over_tcp(Clock::duration unreachable_after) {
  const auto milliseconds = [](Clock::duration time) {
    return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
  };
  grpc::ChannelArguments args = channel_arguments();
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(unreachable_after / 10));
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(unreachable_after * 9 / 10));
  args.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, milliseconds(unreachable_after));  // the time to connect
  // A host's name may stand for another machine at any time, a replaced container for one. While it stands for none a
  // name server may leave it unanswered, and the question would outlast the name's return: by default it waits for two
  // minutes, and asks again no sooner than after half of one.
  args.SetInt(GRPC_ARG_DNS_ARES_QUERY_TIMEOUT_MS, 2000);
  args.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 500);
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

std::shared_ptr<grpc::Channel> open_channel(const std::string& address, Clock::duration unreachable_after) {
  return grpc::CreateCustomChannel(
      target(address), grpc::InsecureChannelCredentials(),
      address.starts_with("unix:") ? channel_arguments() : channel_arguments_over_tcp(unreachable_after));
}

std::shared_ptr<grpc::Channel> open_channel_on(int descriptor) {
  return grpc::CreateCustomInsecureChannelFromFd(absl::StrCat("fd:", descriptor), descriptor, channel_arguments());
}

void add_metadata(grpc::ClientContext& context, const WireContext& wire, const std::string& address) {
  if (!wire.bearer_token.empty() && !address.starts_with("unix:"))
    context.AddMetadata("authorization", "Bearer " + wire.bearer_token);
  context.AddMetadata(kClockKey, std::to_string(hybrid_clock().now()));
}

// A connection for what does not go over a link, opened when that is asked for: who only finds an actor needs none.
struct Peer::Stubs {
  Stubs(std::string a, Clock::duration u) : address(std::move(a)), unreachable_after(u) {}
  v1::ActorService::Stub& actor() {
    if (stub == nullptr) stub = v1::ActorService::NewStub(open_channel(address, unreachable_after));
    return *stub;
  }
  std::string address;
  Clock::duration unreachable_after;
  std::unique_ptr<v1::ActorService::Stub> stub = {};
};

Peer::Peer(const WireContext& wire, ActorRef actor, std::vector<std::string> addresses)
    : wire_(wire),
      run_ended_(wire.ended),
      actor_(std::move(actor)),
      addresses_(std::move(addresses)),
      address_(choose(actor_, addresses_)),
      stubs_(std::make_unique<Stubs>(address_, wire.unreachable_after)) {}

Peer::~Peer() = default;

const WireContext& Peer::wire() const {
  if (*run_ended_)
    throw UsageError(absl::StrCat("this portal to actor \"", actor_.name,
                                  "\" is of a run of the program that has ended: find or start the actor again"));
  return wire_;
}

bool Peer::lost() const { return *run_ended_ || (link_ != nullptr && link_->calls().refusal()); }

CallRequest Peer::request_for(std::string function, Arguments arguments) {
  checkpoint_if_cancelled();
  wire();
  CallRequest request{.function = std::move(function), .arguments = std::move(arguments), .target_actor_id = actor_.id};
  const Clock::time_point deadline = current_effective_deadline();
  if (deadline != Clock::kNever) request.timeout = deadline - Clock::now();
  ++calls_started_;
  return request;
}

std::shared_ptr<Link> Peer::link() {
  if (link_ == nullptr || link_->calls().broken()) link_ = wire().links->to(wire(), address_, actor_.id);
  return link_;
}

Value Peer::invoke(const std::string& function, Arguments arguments) {
  CallRequest request = request_for(function, std::move(arguments));
  const Clock::time_point deadline = current_effective_deadline();
  const InFlight in_flight(*this);
  if (actor_.id == wire().self.id) return invoke_here(std::move(request));
  std::shared_ptr<Link> link = this->link();  // another call may find it broken meanwhile
  CallOutcome outcome = link->calls().call(request, wire().unacknowledged_after);
  if (link->calls().greeted() && !outcome.answered && !outcome.cancelled && outcome.error.executed == Executed::no) {
    link = this->link();
    if (deadline != Clock::kNever) request.timeout = deadline - Clock::now();
    outcome = link->calls().call(request, wire().unacknowledged_after);
  }
  if (outcome.value) return std::move(*outcome.value);

  if (outcome.cancelled && (outcome.answered ? was_ended(outcome) : is_ending())) throw_if_cancelled();
  if (is_deadline(outcome.error, deadline)) sleep_until(deadline);  // throws Cancelled
  std::rethrow_exception(failure(outcome, function));
}

// In a task of its own, as all calls are; what it throws looks as if it had come over a link.
Value Peer::invoke_here(CallRequest request) {
  Value value;
  std::optional<ErrorInfo> error;
  open_task_nursery([&](TaskNursery& t) {
    t.start_soon([&] {
      try {
        ServedCall call;
        value = wire().calls->invoke(
            {.function = request.function, .arguments = std::move(request.arguments), .caller = wire().self}, call);
      } catch (const Cancelled&) {
        throw;
      } catch (...) {
        error = error_info(std::current_exception(), wire().self);
      }
    });
  });
  if (error) std::rethrow_exception(exception_for(std::move(*error)));
  return value;
}

bool Peer::was_ended(const CallOutcome& outcome) const {
  const ErrorInfo& error = outcome.error;
  return error.kind == ErrorKind::cancelled ||
         (outcome.answered && error.kind == ErrorKind::unavailable && error.origin == actor_);
}

// Its clock may be a little ahead.
bool Peer::is_deadline(const ErrorInfo& error, Clock::time_point deadline) const {
  constexpr Clock::duration kAhead = std::chrono::seconds(1);
  return error.kind == ErrorKind::deadline_exceeded && error.origin == actor_ && error.relay_path.empty() &&
         deadline != Clock::kNever && deadline - Clock::now() <= kAhead;
}

std::exception_ptr Peer::failure(const CallOutcome& outcome, const std::string& function) {
  if (outcome.given_up) {
    ErrorInfo error = own_error(
        ErrorKind::unavailable,
        absl::StrCat("the call of ", function, " was cancelled, but ",
                     outcome.acknowledged ? "it has not ended within " : "the actor did not acknowledge that within ",
                     duration_text(outcome.acknowledged ? kStreamEnds : wire().unacknowledged_after),
                     ": it was given up, its state there is unknown"),
        actor_, Executed::maybe);
    error.type = "tractor::Unacknowledged";
    return exception_for(std::move(error));
  }
  ErrorInfo error = outcome.error;
  if (error.kind == ErrorKind::unavailable && !outcome.answered) {
    error.origin = actor_;
    if (owner_) {
      if (const std::exception_ptr cause = owner_->post_mortem(error)) return cause;
    }
    if (error.type == type_of(ErrorKind::unavailable)) {
      error.message = absl::StrCat("the call of ", function, " failed, actor \"", actor_.name, "\" at ", address_,
                                   " cannot be reached: ", error.message);
    }
  }
  return exception_for(std::move(error));
}

namespace {

// One RPC of the service other than a call of a function: `start` makes its reader. An actor's loop answers it, so who
// does not is unreachable.
template <class Response, class F>
Response ask(const char* waits_for, const WireContext& wire, const Peer& peer, F start) {
  grpc::ClientContext context;
  add_metadata(context, wire, peer.address());
  Response response;
  grpc::Status status;
  Operation op(waits_for);
  auto reader = start(context);
  reader->StartCall();
  reader->Finish(&response, &status, op.tag());
  const CancelScope patience = move_on_after(wire.unreachable_after, [&] {
    op.wait([&] { context.TryCancel(); });
    if (op.cancelled()) throw_if_cancelled();
  });
  if (patience.cancelled_caught()) {
    throw RemoteActorError(own_error(ErrorKind::unavailable,
                                     absl::StrCat("actor \"", peer.actor().name, "\" at ", peer.address(),
                                                  " has not answered within ", duration_text(wire.unreachable_after)),
                                     peer.actor(), Executed::maybe));
  }
  if (!status.ok()) std::rethrow_exception(exception_for(from_status(status, peer.actor())));
  return response;
}

bool send_cancel(const WireContext& wire, v1::ActorService::Stub& stub, const Peer& peer, v1::CancelRequest request) {
  encode(wire.self, *request.mutable_requested_by());
  return ask<v1::CancelResponse>("a cancel to be acknowledged", wire, peer,
                                 [&](grpc::ClientContext& context) {
                                   return stub.PrepareAsyncCancel(&context, request, wire.port->queue());
                                 })
      .found();
}

}  // namespace

ActorDescription Peer::describe() {
  ActorDescription description =
      decode(ask<v1::DescribeResponse>("an actor's description", wire(), *this, [&](grpc::ClientContext& context) {
        return stubs_->actor().PrepareAsyncDescribe(&context, {}, wire().port->queue());
      }));
  check_target(actor_.id, description.actor);
  return description;
}

bool Peer::cancel_call(const std::string& call_id, const std::string& reason) {
  v1::CancelRequest request;
  request.set_call_id(call_id);
  request.set_reason(reason_text(reason));
  return send_cancel(wire(), stubs_->actor(), *this, std::move(request));
}

bool Peer::cancel_actor(Clock::duration budget, const std::string& reason) {
  v1::CancelRequest request;
  request.set_actor_id(actor_.id);
  request.set_reason(reason_text(reason));
  *request.mutable_budget() = encode_duration(budget);
  return send_cancel(wire(), stubs_->actor(), *this, std::move(request));
}

}  // namespace tractor
