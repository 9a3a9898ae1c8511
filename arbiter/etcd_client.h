// Speaks to etcd: one cluster, any of its members. Loop thread only; whatever asks is a checkpoint.
//
// A request goes to the member that answered last, and to each of the others when that does not answer in time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "etcd/rpc.grpc.pb.h"
#include "runtime/wire/completion_queue.h"

namespace tractor::arbiter {

class EtcdClient {
 public:
  // How long a member has to answer.
  static constexpr Clock::duration kAnswerTimeout = std::chrono::seconds(1);

  // `endpoints`: "host:port" each.
  EtcdClient(std::vector<std::string> endpoints, CompletionQueuePort& port);
  ~EtcdClient();

  // These throw CallError(unavailable) that says what each member answered when none carries the request out, and
  // CallError(not_found) for a lease that is not there (any more). A request that failed may have been carried out.
  etcdserverpb::RangeResponse range(const etcdserverpb::RangeRequest& request);
  etcdserverpb::TxnResponse transact(const etcdserverpb::TxnRequest& request);
  etcdserverpb::LeaseGrantResponse grant(Clock::duration ttl);
  void revoke(std::int64_t lease);

  // Both ways on a stream to the member that answered last, until it ends; then the next one is the one to ask.
  // `write` may be called by one task at a time, `read` by another; false: the stream has ended. Both end soon after
  // cancel().
  template <class Request, class Response>
  class Stream {
   public:
    ~Stream() = default;
    bool write(const Request& request);
    bool read(Response& response);
    void cancel() { context_.TryCancel(); }

   private:
    friend class EtcdClient;
    grpc::ClientContext context_;
    std::unique_ptr<grpc::ClientAsyncReaderWriter<Request, Response>> stream_;
  };
  using WatchStream = Stream<etcdserverpb::WatchRequest, etcdserverpb::WatchResponse>;
  using KeepAliveStream = Stream<etcdserverpb::LeaseKeepAliveRequest, etcdserverpb::LeaseKeepAliveResponse>;
  // Runs `body` with an open stream and returns why it ended. The streams end when the member has lost its cluster.
  std::string watch(const std::function<void(WatchStream&)>& body);
  std::string keep_alive(const std::function<void(KeepAliveStream&)>& body);

  const std::vector<std::string>& endpoints() const { return endpoints_; }
  // The member that is asked first.
  const std::string& member() const { return endpoints_[current_]; }
  // From now on another one is.
  void try_next() { current_ = (current_ + 1) % endpoints_.size(); }

 private:
  struct Stubs;
  template <class Response, class Call>
  Response ask(const char* what, Call&& call);
  template <class S, class Open>
  std::string run_stream(Open&& open, const std::function<void(S&)>& body);

  std::vector<std::string> endpoints_;
  CompletionQueuePort& port_;
  std::vector<std::unique_ptr<Stubs>> stubs_;
  std::size_t current_ = 0;
};

}  // namespace tractor::arbiter
