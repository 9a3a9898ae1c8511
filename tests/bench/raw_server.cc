#include <grpcpp/server_builder.h>
#include <signal.h>
#include <sys/prctl.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string_view>
#include <utility>

#include "echo.grpc.pb.h"
#include "raw_grpc.h"

namespace bench {
namespace {

namespace v1 = tractor::bench;
using Service = v1::EchoService::AsyncService;

// One call: waits to be accepted, answers, and is gone when the answer is out.
class Call {
 public:
  Call(Service& service, grpc::ServerCompletionQueue& queue) : service_(service), queue_(queue) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  virtual ~Call() = default;
  // Its last operation is done; false when it ends with that.
  virtual bool proceed(bool ok) = 0;

 protected:
  Service& service_;
  grpc::ServerCompletionQueue& queue_;
  grpc::ServerContext context_;
};

class EchoCall final : public Call {
 public:
  EchoCall(Service& service, grpc::ServerCompletionQueue& queue) : Call(service, queue) {
    service_.RequestEcho(&context_, &request_, &responder_, &queue_, &queue_, this);
  }
  bool proceed(bool /*ok*/) override {
    if (answered_) return false;
    answered_ = true;
    new EchoCall(service_, queue_);  // for the next one
    v1::EchoResponse response;
    response.set_text(std::move(*request_.mutable_text()));
    responder_.Finish(response, grpc::Status::OK, this);
    return true;
  }

 private:
  v1::EchoRequest request_;
  grpc::ServerAsyncResponseWriter<v1::EchoResponse> responder_{&context_};
  bool answered_ = false;
};

class ItemsCall final : public Call {
 public:
  ItemsCall(Service& service, grpc::ServerCompletionQueue& queue) : Call(service, queue) {
    service_.RequestItems(&context_, &request_, &writer_, &queue_, &queue_, this);
  }
  bool proceed(bool ok) override {
    if (!ok || finished_) return false;
    if (left_ < 0) {
      new ItemsCall(service_, queue_);
      left_ = request_.count();
    }
    if (left_-- > 0) {
      v1::EchoResponse response;
      response.mutable_text()->assign(static_cast<std::size_t>(request_.size()), 'x');
      writer_.Write(response, this);
    } else {
      finished_ = true;
      writer_.Finish(grpc::Status::OK, this);
    }
    return true;
  }

 private:
  v1::ItemsRequest request_;
  grpc::ServerAsyncWriter<v1::EchoResponse> writer_{&context_};
  std::int64_t left_ = -1;  // not accepted
  bool finished_ = false;
};

class ChatCall final : public Call {
 public:
  ChatCall(Service& service, grpc::ServerCompletionQueue& queue) : Call(service, queue) {
    service_.RequestChat(&context_, &stream_, &queue_, &queue_, this);
  }
  bool proceed(bool ok) override {
    switch (std::exchange(state_, State::kReading)) {
      case State::kAccepting:
        if (!ok) return false;
        new ChatCall(service_, queue_);
        stream_.Read(&message_, this);
        break;
      case State::kReading:
        if (ok) {
          response_.set_text(std::move(*message_.mutable_text()));
          state_ = State::kWriting;
          stream_.Write(response_, this);
        } else {
          state_ = State::kFinishing;
          stream_.Finish(grpc::Status::OK, this);
        }
        break;
      case State::kWriting:
        stream_.Read(&message_, this);
        break;
      case State::kFinishing:
        return false;
    }
    return true;
  }

 private:
  enum class State { kAccepting, kReading, kWriting, kFinishing };
  grpc::ServerAsyncReaderWriter<v1::EchoResponse, v1::EchoRequest> stream_{&context_};
  v1::EchoRequest message_;
  v1::EchoResponse response_;
  State state_ = State::kAccepting;
};

constexpr const char* kCommand = "raw-server";

int serve(const std::string& address) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // however the benchmark ends
  Service service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::ServerCompletionQueue> queue = builder.AddCompletionQueue();
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    std::cerr << "tractor_bench: cannot listen on " << address << '\n';
    return EXIT_FAILURE;
  }
  new EchoCall(service, *queue);
  new ItemsCall(service, *queue);
  new ChatCall(service, *queue);
  std::cout << (address.starts_with("unix:") ? address
                                             : address.substr(0, address.rfind(':') + 1) + std::to_string(port))
            << std::endl;
  void* tag = nullptr;
  bool ok = false;
  while (queue->Next(&tag, &ok)) {
    auto* call = static_cast<Call*>(tag);
    if (!call->proceed(ok)) delete call;
  }
  return EXIT_SUCCESS;
}

}  // namespace

RawServer::RawServer(const std::string& address) : process_({kCommand, address}), address_(process_.read_line()) {}

void run_if_raw_server(int argc, char** argv) {
  if (argc == 3 && argv[1] == std::string_view(kCommand)) std::exit(serve(argv[2]));
}

}  // namespace bench
