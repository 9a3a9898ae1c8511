#include "runtime/wire/server.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "runtime/log.h"
#include "runtime/wire/actor_description_codec.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/link_stream.h"
#include "runtime/wire/peer.h"
#include "runtime/wire/value_codec.h"
#include "tractor/internal/invoke.pb.h"
#include "tractor/v1/actor.grpc.pb.h"

namespace tractor {
namespace {

using Service = v1::ActorService;
// Methods marked generic go to the generic service, which answers for all that is not served.
using ServedMethods = Service::WithAsyncMethod_Invoke<Service::WithAsyncMethod_Cancel<Service::WithAsyncMethod_Describe<
    Service::WithGenericMethod_Stream<Service::WithRawMethod_Connect<Service::Service>>>>>;

using InvokeCall = UnaryCall<internal::InvokeRequest, internal::InvokeResponse>;
using CancelCall = UnaryCall<v1::CancelRequest, v1::CancelResponse>;
using DescribeCall = UnaryCall<v1::DescribeRequest, v1::DescribeResponse>;

// A call of something that is not served here, by any service.
struct UnservedCall {
  grpc::GenericServerContext context;
  grpc::GenericServerAsyncReaderWriter stream{&context};

  void refuse() {
    Operation op("a refusal to be sent");
    stream.Finish({grpc::StatusCode::UNIMPLEMENTED, "this actor does not serve " + context.method()}, op.tag());
    op.wait_shielded();
  }
};

// In time that does not depend on how much of it is right.
bool same_secret(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |=
        static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i % std::max<std::size_t>(b.size(), 1)]);
  return difference == 0;
}

Clock::time_point deadline_of(const grpc::ServerContext& context, const internal::InvokeRequest& request) {
  Clock::time_point deadline = Clock::kNever;
  if (request.has_timeout()) deadline = deadline_after(decode_duration(request.timeout()));
  const gpr_timespec raw = context.raw_deadline();
  if (gpr_time_cmp(raw, gpr_inf_future(raw.clock_type)) != 0) {
    const gpr_timespec left = gpr_time_sub(raw, gpr_now(raw.clock_type));
    deadline = std::min(deadline, deadline_after(clamped_duration(left.tv_sec, left.tv_nsec)));
  }
  return deadline;
}

// Takes the request, which may be large, for no longer than this.
Invocation decode_invocation(const grpc::ServerContext& context, internal::InvokeRequest request) {
  Invocation call{.function = std::move(*request.mutable_function()),
                  .call_id = std::move(*request.mutable_call_id()),
                  .deadline = deadline_of(context, request),
                  .caller = decode(request.caller())};
  call.arguments = {.positional = decode_arguments(call.function, request.args()),
                    .named = decode_arguments(call.function, request.named_args())};
  return call;
}

}  // namespace

struct ActorServer::Methods : ServedMethods {
  void serve(ActorServer& server, TaskNursery& nursery, CallHandler& handler) {
    grpc::ServerCompletionQueue* queue = server.port().queue();
    invoke.emplace(
        nursery,
        [this, queue](InvokeCall& call, Tag& tag) { call.request_next(*this, &Methods::request_invoke, queue, tag); },
        [&server, &handler](InvokeCall& call) { serve_invoke(server, handler, call); });
    cancel.emplace(
        nursery,
        [this, queue](CancelCall& call, Tag& tag) { call.request_next(*this, &Methods::RequestCancel, queue, tag); },
        [&server, &handler](CancelCall& call) { serve_cancel(server, handler, call); });
    describe.emplace(
        nursery,
        [this, queue](DescribeCall& call, Tag& tag) {
          call.request_next(*this, &Methods::RequestDescribe, queue, tag);
        },
        [&server, &handler](DescribeCall& call) { serve_describe(server, handler, call); });
    connect.emplace(
        nursery,
        [this, queue](ConnectCall& call, Tag& tag) { call.request_next(*this, &Methods::RequestConnect, queue, tag); },
        [&server, &handler](ConnectCall& call) { serve_connect(server, handler, call); });
    unserved.emplace(
        nursery,
        [this, queue](UnservedCall& call, Tag& tag) {
          generic.RequestCall(&call.context, &call.stream, queue, queue, tag.tag());
        },
        [](UnservedCall& call) { call.refuse(); });
  }

  // As RequestInvoke, into messages of our own.
  void request_invoke(grpc::ServerContext* context, internal::InvokeRequest* request,
                      grpc::ServerAsyncResponseWriter<internal::InvokeResponse>* responder,
                      grpc::CompletionQueue* call_queue, grpc::ServerCompletionQueue* queue, void* tag) {
    constexpr int kInvoke = 0;  // its place in the service of actor.proto
    RequestAsyncUnary(kInvoke, context, request, responder, call_queue, queue, tag);
  }

  static void serve_invoke(ActorServer& server, CallHandler& handler, InvokeCall& call) {
    const bool error_in_body = call.request.error_delivery() == v1::ERROR_DELIVERY_BODY;
    internal::InvokeResponse response;
    ErrorInfo error;
    bool failed = true;
    try {
      server.authenticate(call.context());
      check_target(call.request.target_actor_id(), handler.self());
      Invocation invocation = decode_invocation(call.context(), std::move(call.request));
      const std::string function = invocation.function;
      ServedCall served;
      if (call.run_while_wanted([&] {
            encode_result(function, handler.invoke(std::move(invocation), served), *response.mutable_value());
          })) {
        throw CallError(ErrorKind::cancelled, "the caller went away");
      }
      check_result_size(function, response.ByteSizeLong());
      failed = false;
    } catch (const Cancelled& cancelled) {
      cancelled.absorb();
      error = error_info(std::make_exception_ptr(CallError(ErrorKind::unavailable, "the actor is shutting down")),
                         handler.self());
    } catch (...) {
      error = error_info(std::current_exception(), handler.self());
    }
    grpc::Status status = grpc::Status::OK;
    if (failed) {
      response.Clear();
      if (error_in_body) {
        encode(error, *response.mutable_error());
      } else {
        status = to_status(error);
      }
    }
    call.finish(response, status);
  }

  static void serve_cancel(ActorServer& server, CallHandler& handler, CancelCall& call) {
    v1::CancelResponse response;
    grpc::Status status;
    try {
      server.authenticate(call.context());
      const ActorRef by = decode(call.request.requested_by());
      if (call.request.target_case() == v1::CancelRequest::kActorId) {
        check_target(call.request.actor_id(), handler.self());
        response.set_found(true);
        handler.cancel_actor(decode_duration(call.request.budget()), by, call.request.reason());
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

  static void serve_connect(ActorServer& server, CallHandler& handler, ConnectCall& call) {
    try {
      server.authenticate(call.context());
    } catch (const CallError&) {
      return call.finish(to_status(error_info(std::current_exception(), handler.self())));
    }
    serve_link(server.port(), handler, call);
  }

  std::optional<Acceptor<InvokeCall>> invoke;
  std::optional<Acceptor<CancelCall>> cancel;
  std::optional<Acceptor<DescribeCall>> describe;
  std::optional<Acceptor<ConnectCall>> connect;
  grpc::AsyncGenericService generic;
  std::optional<Acceptor<UnservedCall>> unserved;
};

ActorServer::ActorServer(Options options) : options_(std::move(options)), methods_(std::make_unique<Methods>()) {
  if (!options_.listen_tcp.empty() && options_.bearer_token.empty() && !options_.insecure) {
    throw UsageError(absl::StrCat(
        "listening on ", to_string(options_.listen_tcp.front()),
        " needs a credential: name a file that holds a secret token in TRACTOR_CREDENTIAL_FILE, or ask for "
        "`insecure` to let everyone in who reaches that port"));
  }
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  builder.RegisterService(methods_.get());
  builder.RegisterAsyncGenericService(&methods_->generic);
  for (grpc::Service* service : options_.services) builder.RegisterService(service);
  std::vector<int> ports(options_.listen_tcp.size(), 0);
  for (std::size_t i = 0; i < ports.size(); ++i) {
    builder.AddListeningPort(to_string(options_.listen_tcp[i]), grpc::InsecureServerCredentials(), &ports[i]);
  }
  port_ = std::make_unique<CompletionQueuePort>(builder.AddCompletionQueue());
  server_ = builder.BuildAndStart();
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (server_ == nullptr && ports[i] != 0) continue;
    if (ports[i] == 0) {
      throw UsageError(
          absl::StrCat("cannot listen on ", to_string(options_.listen_tcp[i]),
                       ": the port is in use by another program, or the address is not this machine's; choose another "
                       "(port 0 lets the kernel choose)"));
    }
    Address address = options_.listen_tcp[i];
    address.port = ports[i];
    listening_.push_back(std::move(address));
  }
  if (server_ == nullptr) throw Error("gRPC cannot start a server; TRACTOR_LOG=debug may tell more");
}

ActorServer::~ActorServer() {
  if (server_ == nullptr) return;
  server_->Shutdown(gpr_inf_past(GPR_CLOCK_MONOTONIC));
  port_.reset();  // drains: every outstanding request comes back
}

void ActorServer::serve(TaskNursery& nursery, CallHandler& handler) { methods_->serve(*this, nursery, handler); }

void ActorServer::stop() {
  if (methods_->invoke) methods_->invoke->stop();
  if (methods_->cancel) methods_->cancel->stop();
  if (methods_->describe) methods_->describe->stop();
  if (methods_->connect) methods_->connect->stop();
  if (methods_->unserved) methods_->unserved->stop();
}

void ActorServer::add_connection(int descriptor) { grpc::AddInsecureChannelFromFd(server_.get(), descriptor); }

void ActorServer::authenticate(const grpc::ServerContext& context) const {
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
    throw CallError(ErrorKind::unauthenticated, "the credential is not the one this actor expects");
  }
}

}  // namespace tractor
