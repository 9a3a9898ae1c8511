#include "arbiter/etcd_client.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/task/scheduler.h"
#include "runtime/wire/remote_error.h"

namespace tractor::arbiter {
namespace {

// Not those of our own channels: etcd takes no frequent signs of life. Whether a member lives is asked on its streams.
std::shared_ptr<grpc::Channel> open_channel(const std::string& endpoint) {
  grpc::ChannelArguments args;
  args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);  // the time to connect
  args.SetInt(GRPC_ARG_DNS_ARES_QUERY_TIMEOUT_MS, 2000);
  args.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 500);  // a member's name may be another machine's by now
  args.SetMaxReceiveMessageSize(-1);                               // a page of the view, or many changes at once
  return grpc::CreateCustomChannel(endpoint, grpc::InsecureChannelCredentials(), args);
}

// A member without a leader knows nothing new, so it is to refuse.
constexpr char kNeedsLeader[] = "hasleader";

}  // namespace

struct EtcdClient::Stubs {
  explicit Stubs(const std::string& endpoint)
      : channel(open_channel(endpoint)), kv(channel), lease(channel), watch(channel) {}
  std::shared_ptr<grpc::Channel> channel;
  etcdserverpb::KV::Stub kv;
  etcdserverpb::Lease::Stub lease;
  etcdserverpb::Watch::Stub watch;
};

EtcdClient::EtcdClient(std::vector<std::string> endpoints, CompletionQueuePort& port)
    : endpoints_(std::move(endpoints)), port_(port) {
  for (const std::string& endpoint : endpoints_) stubs_.push_back(std::make_unique<Stubs>(endpoint));
}

EtcdClient::~EtcdClient() = default;

template <class Response, class Call>
Response EtcdClient::ask(const char* what, Call&& call) {
  std::vector<std::string> answers;
  for (std::size_t tries = 0; tries < endpoints_.size(); ++tries) {
    throw_if_cancelled();
    const std::size_t asked = current_;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kAnswerTimeout);
    Response response;
    grpc::Status status;
    Operation op(what);
    auto reader = call(*stubs_[asked], context);
    reader->StartCall();
    reader->Finish(&response, &status, op.tag());
    op.wait([&] { context.TryCancel(); });
    if (status.ok()) return response;
    if (op.cancelled()) throw_if_cancelled();
    if (status.error_code() == grpc::StatusCode::NOT_FOUND)
      throw CallError(ErrorKind::not_found, absl::StrCat("etcd at ", endpoints_[asked], ": ", status.error_message()));
    answers.push_back(absl::StrCat(endpoints_[asked], ": ", status.error_message()));
    if (current_ == asked) try_next();  // else another task has found that out already
  }
  throw CallError(ErrorKind::unavailable, absl::StrCat("etcd does not answer (", absl::StrJoin(answers, "; "), ")"));
}

etcdserverpb::RangeResponse EtcdClient::range(const etcdserverpb::RangeRequest& request) {
  return ask<etcdserverpb::RangeResponse>("etcd's keys", [&](Stubs& stubs, grpc::ClientContext& context) {
    return stubs.kv.PrepareAsyncRange(&context, request, port_.queue());
  });
}

etcdserverpb::TxnResponse EtcdClient::transact(const etcdserverpb::TxnRequest& request) {
  return ask<etcdserverpb::TxnResponse>("etcd's transaction", [&](Stubs& stubs, grpc::ClientContext& context) {
    return stubs.kv.PrepareAsyncTxn(&context, request, port_.queue());
  });
}

etcdserverpb::LeaseGrantResponse EtcdClient::grant(Clock::duration ttl) {
  etcdserverpb::LeaseGrantRequest request;
  request.set_ttl(std::chrono::ceil<std::chrono::seconds>(ttl).count());
  return ask<etcdserverpb::LeaseGrantResponse>("etcd's lease", [&](Stubs& stubs, grpc::ClientContext& context) {
    return stubs.lease.PrepareAsyncLeaseGrant(&context, request, port_.queue());
  });
}

void EtcdClient::revoke(std::int64_t lease) {
  etcdserverpb::LeaseRevokeRequest request;
  request.set_id(lease);
  ask<etcdserverpb::LeaseRevokeResponse>("the end of etcd's lease", [&](Stubs& stubs, grpc::ClientContext& context) {
    return stubs.lease.PrepareAsyncLeaseRevoke(&context, request, port_.queue());
  });
}

template <class Request, class Response>
bool EtcdClient::Stream<Request, Response>::write(const Request& request) {
  Operation op("a message to etcd");
  stream_->Write(request, op.tag());
  return op.wait([this] { cancel(); });
}

template <class Request, class Response>
bool EtcdClient::Stream<Request, Response>::read(Response& response) {
  Operation op("a message of etcd");
  stream_->Read(&response, op.tag());
  return op.wait([this] { cancel(); });
}

template <class S, class Open>
std::string EtcdClient::run_stream(Open&& open, const std::function<void(S&)>& body) {
  throw_if_cancelled();
  const std::string member = this->member();
  S stream;
  stream.context_.AddMetadata(kNeedsLeader, "true");
  stream.stream_ = open(*stubs_[current_], stream.context_);
  Operation started("a stream to etcd");
  stream.stream_->StartCall(started.tag());
  std::exception_ptr error;
  if (started.wait([&] { stream.cancel(); })) {
    try {
      body(stream);
    } catch (...) {
      error = std::current_exception();
    }
  }
  stream.cancel();
  grpc::Status status;
  Operation finished("the end of a stream to etcd");
  stream.stream_->Finish(&status, finished.tag());
  finished.wait_shielded();
  if (error != nullptr) std::rethrow_exception(error);
  if (this->member() == member) try_next();
  return absl::StrCat(
      member, ": ", status.error_code() == grpc::StatusCode::CANCELLED ? "it does not answer" : status.error_message());
}

std::string EtcdClient::watch(const std::function<void(WatchStream&)>& body) {
  return run_stream<WatchStream>(
      [&](Stubs& stubs, grpc::ClientContext& context) {
        return stubs.watch.PrepareAsyncWatch(&context, port_.queue());
      },
      body);
}

std::string EtcdClient::keep_alive(const std::function<void(KeepAliveStream&)>& body) {
  return run_stream<KeepAliveStream>(
      [&](Stubs& stubs, grpc::ClientContext& context) {
        return stubs.lease.PrepareAsyncLeaseKeepAlive(&context, port_.queue());
      },
      body);
}

template class EtcdClient::Stream<etcdserverpb::WatchRequest, etcdserverpb::WatchResponse>;
template class EtcdClient::Stream<etcdserverpb::LeaseKeepAliveRequest, etcdserverpb::LeaseKeepAliveResponse>;

}  // namespace tractor::arbiter
