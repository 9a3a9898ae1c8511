#include <grpcpp/server_builder.h>
#include <signal.h>
#include <sys/prctl.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string_view>

#include "echo.grpc.pb.h"
#include "raw_grpc.h"

namespace bench {
namespace {

namespace v1 = tractor::bench;
using Service = v1::EchoService::AsyncService;

// One call: waits to be accepted, answers, and is gone when the answer is out.
class Call {
 public:
  Call(Service& service, grpc::ServerCompletionQueue& queue) : service_(service), queue_(queue) {
    service_.RequestEcho(&context_, &request_, &responder_, &queue_, &queue_, this);
  }

  void proceed() {
    if (answered_) {
      delete this;
      return;
    }
    answered_ = true;
    new Call(service_, queue_);  // for the next one
    v1::EchoResponse response;
    response.set_text(std::move(*request_.mutable_text()));
    responder_.Finish(response, grpc::Status::OK, this);
  }

 private:
  Service& service_;
  grpc::ServerCompletionQueue& queue_;
  grpc::ServerContext context_;
  v1::EchoRequest request_;
  grpc::ServerAsyncResponseWriter<v1::EchoResponse> responder_{&context_};
  bool answered_ = false;
};

constexpr const char* kCommand = "raw-server";

int serve(const std::string& address) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // however the benchmark ends
  Service service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::ServerCompletionQueue> queue = builder.AddCompletionQueue();
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    std::cerr << "tractor_bench: cannot listen on " << address << '\n';
    return EXIT_FAILURE;
  }
  new Call(service, *queue);
  std::cout << "serving" << std::endl;
  void* tag = nullptr;
  bool ok = false;
  while (queue->Next(&tag, &ok)) static_cast<Call*>(tag)->proceed();
  return EXIT_SUCCESS;
}

}  // namespace

RawServer::RawServer(const std::string& address) : process_({kCommand, address}) { process_.read_line(); }

void run_if_raw_server(int argc, char** argv) {
  if (argc == 3 && argv[1] == std::string_view(kCommand)) std::exit(serve(argv[2]));
}

}  // namespace bench
