#include "runtime/wire/server.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server_posix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "runtime/log.h"
#include "runtime/wire/actor_description_codec.h"
#include "runtime/wire/call_service.h"
#include "runtime/wire/duration_text.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/error_info.h"
#include "runtime/wire/hybrid_clock.h"
#include "runtime/wire/is_unix_socket.h"
#include "runtime/wire/link_stream.h"
#include "runtime/wire/peer.h"
#include "runtime/wire/value_codec.h"
#include "tractor/v1/actor.grpc.pb.h"

namespace tractor {
namespace {

using Service = v1::ActorService;
using ServedMethods = Service::WithRawMethod_Invoke<Service::WithRawMethod_Stream<Service::WithAsyncMethod_Cancel<
    Service::WithAsyncMethod_Describe<Service::WithRawMethod_Connect<Service::Service>>>>>;

using CancelCall = UnaryCall<v1::CancelRequest, v1::CancelResponse>;
using DescribeCall = UnaryCall<v1::DescribeRequest, v1::DescribeResponse>;

// A call of something that is not served here, by any service.
class UnservedCall {
 public:
  grpc::GenericServerContext& context() { return context_; }

  template <class Method>
  void request_next(grpc::AsyncGenericService& service, Method method, grpc::ServerCompletionQueue* queue, Tag& tag) {
    (service.*method)(&context_, &stream_, queue, queue, tag.tag());
  }
  void refuse() {
    Operation op("a refusal to be sent");
    stream_.Finish({grpc::StatusCode::UNIMPLEMENTED, "this actor does not serve " + context_.method()}, op.tag());
    op.wait_shielded();
  }

 private:
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_{&context_};
};

// What a caller may say that it waits: a day, as RunOptions::unreachable_after.
constexpr std::int64_t kMostMilliseconds = 24 * 3600 * 1000;

// In time that does not depend on how much of it is right.
bool same_secret(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |=
        static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i % std::max<std::size_t>(b.size(), 1)]);
  return difference == 0;
}

// Has the kernel end a connection when the other end shows no sign of life for so long. gRPC could ask, too, but then
// of all connections of a server, also those to processes of this machine, which may be stopped for as long as someone
// likes.
void notice_lost_callers(int descriptor, Clock::duration unreachable_after) {
  constexpr int kProbes = 3;
  const int seconds =
      static_cast<int>(std::max(std::chrono::duration_cast<std::chrono::seconds>(unreachable_after).count(), 1L));
  const int idle = std::max(seconds / 3, 1);
  const auto set = [&](int level, int name, int value) { setsockopt(descriptor, level, name, &value, sizeof value); };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, idle);
  set(IPPROTO_TCP, TCP_KEEPINTVL, std::max((seconds - idle) / kProbes, 1));
  set(IPPROTO_TCP, TCP_KEEPCNT, kProbes);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, seconds * 1000);
}

}  // namespace

struct ActorServer::Methods : ServedMethods {
  void serve(ActorServer& server, TaskNursery& nursery, CallHandler& handler) {
    grpc::ServerCompletionQueue* queue = server.port().queue();
    acceptors.accept<RawUnaryCall>(
        nursery, queue, *this, &Methods::RequestInvoke,
        let_in<RawUnaryCall>(server, handler, [&handler](RawUnaryCall& call) { serve_invoke(handler, call); }));
    acceptors.accept<RawStreamCall>(
        nursery, queue, *this, &Methods::RequestStream,
        let_in<RawStreamCall>(server, handler, [&handler](RawStreamCall& call) { serve_stream(handler, call); }));
    acceptors.accept<RawStreamCall>(nursery, queue, *this, &Methods::RequestConnect,
                                    let_in<RawStreamCall>(server, handler, [&server, &handler](RawStreamCall& call) {
                                      serve_link(server.port(), handler, call,
                                                 [&] { server.watch_caller(call.context()); });
                                    }));
    acceptors.accept<CancelCall>(nursery, queue, *this, &Methods::RequestCancel,
                                 [&server, &handler](CancelCall& call) { serve_cancel(server, handler, call); });
    acceptors.accept<DescribeCall>(nursery, queue, *this, &Methods::RequestDescribe,
                                   [&server, &handler](DescribeCall& call) { serve_describe(server, handler, call); });
    acceptors.accept<UnservedCall>(nursery, queue, generic, &grpc::AsyncGenericService::RequestCall,
                                   [](UnservedCall& call) { call.refuse(); });
  }

  // For calls whose bytes are read elsewhere: serves callers who are let in.
  template <class Call>
  static std::function<void(Call&)> let_in(ActorServer& server, CallHandler& handler,
                                           std::function<void(Call&)> serve) {
    return [&server, &handler, serve = std::move(serve)](Call& call) {
      try {
        server.authenticate(call.context());
      } catch (const CallError&) {
        return call.refuse(to_status(error_info(std::current_exception(), handler.self())));
      }
      serve(call);
    };
  }

  static void serve_cancel(ActorServer& server, CallHandler& handler, CancelCall& call) {
    v1::CancelResponse response;
    grpc::Status status;
    try {
      server.authenticate(call.context());
      const ActorRef by = decode(call.request.requested_by());
      if (call.request.target_case() == v1::CancelRequest::kActorId) {
        if (call.request.actor_id().empty())
          throw CallError(ErrorKind::invalid_argument, "an actor is cancelled by its actor_id, which is empty here");
        check_target(call.request.actor_id(), handler.self());
        response.set_found(true);
        handler.cancel_actor(call.request.has_budget() ? decode_duration(call.request.budget()) : kDefaultBudget, by,
                             call.request.reason());
      } else {
        response.set_found(handler.cancel_call(call.request.call_id(), by, call.request.reason()));
      }
    } catch (...) {
      status = to_status(error_info(std::current_exception(), handler.self()));
    }
    call.finish(response, status);
  }

  static void serve_describe(ActorServer& server, CallHandler& handler, DescribeCall& call) {
    v1::DescribeResponse response;
    grpc::Status status;
    try {
      server.authenticate(call.context());
      response = encode(handler.describe());
    } catch (...) {
      status = to_status(error_info(std::current_exception(), handler.self()));
    }
    call.finish(response, status);
  }

  grpc::AsyncGenericService generic;
  Acceptors acceptors;
};

bool ActorServer::lets_tcp_in(const Options& options) { return !options.bearer_token.empty() || options.insecure; }

void ActorServer::check_lets_tcp_in(const Address& address, const Options& options) {
  if (lets_tcp_in(options)) return;
  throw UsageError(
      absl::StrCat("listening on ", to_string(address),
                   " needs a credential: name a file that holds a secret token in TRACTOR_CREDENTIAL_FILE, or ask for "
                   "`insecure` to let everyone in who reaches that port"));
}

ActorServer::ActorServer(Options options) : options_(std::move(options)), methods_(std::make_unique<Methods>()) {
  grpc::ServerBuilder builder;
  // Callers may ask for signs of life as often as they like.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             static_cast<int>(kSilence / std::chrono::milliseconds(1)));
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  builder.RegisterService(methods_.get());
  builder.RegisterAsyncGenericService(&methods_->generic);
  for (grpc::Service* service : options_.services) builder.RegisterService(service);
  if (lets_tcp_in(options_)) {
    using ExternalConnectionType = grpc::ServerBuilder::experimental_type::ExternalConnectionType;
    external_acceptor_ = builder.experimental().AddExternalConnectionAcceptor(ExternalConnectionType::FROM_FD,
                                                                              grpc::InsecureServerCredentials());
  }
  port_ = std::make_unique<CompletionQueuePort>(builder.AddCompletionQueue());
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) throw Error("gRPC cannot start a server; TRACTOR_LOG=debug may tell more");
}

ActorServer::~ActorServer() {
  keepalive_queue_.Shutdown();
  if (server_ == nullptr) return;
  server_->Shutdown(gpr_inf_past(GPR_CLOCK_MONOTONIC));
  port_.reset();  // drains: every outstanding request comes back
}

void ActorServer::serve(TaskNursery& nursery, CallHandler& handler) { methods_->serve(*this, nursery, handler); }

void ActorServer::stop() { methods_->acceptors.stop(); }

void ActorServer::show_signs_of_life() {
  if (port_->take_looked()) return;
  void* tag = nullptr;
  bool ok = false;
  keepalive_queue_.AsyncNext(&tag, &ok, gpr_inf_past(GPR_CLOCK_MONOTONIC));
}

void ActorServer::add_connection(int descriptor) {
  if (is_unix_socket(descriptor)) return grpc::AddInsecureChannelFromFd(server_.get(), descriptor);
  notice_lost_callers(descriptor, options_.unreachable_after);
  connections_.add(descriptor);
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
  connection.fd = descriptor;
  external_acceptor_->HandleNewConnection(&connection);
}

void ActorServer::watch_caller(const grpc::ServerContext& context) const {
  const auto theirs = context.client_metadata().find(kUnreachableAfterKey);
  std::int64_t milliseconds = 0;
  if (theirs == context.client_metadata().end() ||
      !absl::SimpleAtoi(absl::string_view(theirs->second.data(), theirs->second.size()), &milliseconds))
    return;
  const Clock::duration limit = std::max<Clock::duration>(
      options_.unreachable_after,
      std::chrono::milliseconds(std::clamp<std::int64_t>(milliseconds, 0, kMostMilliseconds)));
  const std::string peer = context.peer();
  if (!connections_.wait_until_silent(peer, limit)) return;
  log::warning(absl::StrCat("a caller at ", peer, " is cut off: no sign of life for ", duration_text(limit)));
  connections_.cut_off(peer);
}

void ActorServer::authenticate(const grpc::ServerContext& context) const {
  check_credential(context);
  const auto clock = context.client_metadata().find(kClockKey);
  std::uint64_t time = 0;
  if (clock != context.client_metadata().end() &&
      absl::SimpleAtoi(absl::string_view(clock->second.data(), clock->second.size()), &time))
    hybrid_clock().observe(time);
}

void ActorServer::check_credential(const grpc::ServerContext& context) const {
  if (options_.insecure) return;
  const std::string peer = context.peer();
  if (peer.starts_with("fd:") || peer.starts_with("unix:")) return;
  const auto& metadata = context.client_metadata();
  const auto authorization = metadata.find("authorization");
  if (authorization == metadata.end()) {
    throw CallError(ErrorKind::unauthenticated,
                    "this actor asks callers over TCP for a credential: send the metadata \"authorization: Bearer "
                    "TOKEN\" (TRACTOR_CREDENTIAL_FILE names the file with the token)");
  }
  const std::string expected = "Bearer " + options_.bearer_token;
  if (options_.bearer_token.empty() ||
      !same_secret({authorization->second.data(), authorization->second.size()}, expected)) {
    throw CallError(
        ErrorKind::unauthenticated,
        "the credential is not the one this actor expects: the files that TRACTOR_CREDENTIAL_FILE names on both "
        "sides hold the same token");
  }
}

}  // namespace tractor
