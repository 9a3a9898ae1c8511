#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_unary_call.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "echo.grpc.pb.h"
#include "functions.h"
#include "raw_grpc.h"
#include "runtime/wire/peer.h"
#include "samples.h"
#include "tractor/v1/actor.grpc.pb.h"

namespace bench {
namespace {

constexpr int kWarmUpCalls = 500;  // first calls connect, and fill caches

struct EchoMethod {
  using Stub = tractor::bench::EchoService::Stub;
  using Response = tractor::bench::EchoResponse;

  static auto start(Stub& stub, grpc::ClientContext& context, grpc::CompletionQueue& queue) {
    tractor::bench::EchoRequest request;
    request.set_text(kText);
    return stub.AsyncEcho(&context, request, &queue);
  }
  static const std::string& text_of(const Response& response) { return response.text(); }
};

struct InvokeMethod {
  using Stub = tractor::v1::ActorService::Stub;
  using Response = tractor::v1::InvokeResponse;

  static auto start(Stub& stub, grpc::ClientContext& context, grpc::CompletionQueue& queue) {
    tractor::v1::InvokeRequest request;
    request.set_function(kEcho);
    request.add_args()->set_string_value(kText);
    return stub.AsyncInvoke(&context, request, &queue);
  }
  static const std::string& text_of(const Response& response) { return response.value().string_value(); }
};

template <class Method>
class Client {
 public:
  explicit Client(const std::string& address) : stub_(tractor::open_channel(address)) {}

  CallTimes run(int calls, int in_flight) {
    latencies_.clear();
    latencies_.reserve(static_cast<std::size_t>(calls));
    const Stopwatch watch;
    int started = 0;
    while (started < std::min(calls, in_flight)) start(started);
    for (int ended = 0; ended < calls; ++ended) {
      finish_one();
      if (started < calls) start(started);
    }
    const double seconds = watch.seconds();
    return {.p50_us = quantile(latencies_, 0.50),
            .p99_us = quantile(latencies_, 0.99),
            .calls_per_second = calls / seconds};
  }

 private:
  struct Call {
    Stopwatch watch;
    grpc::ClientContext context;
    typename Method::Response response;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<typename Method::Response>> reader;
  };

  void start(int& started) {
    ++started;
    auto* call = new Call;  // its tag; finish_one() deletes it
    call->reader = Method::start(stub_, call->context, queue_);
    call->reader->Finish(&call->response, &call->status, call);
  }

  void finish_one() {
    void* tag = nullptr;
    bool ok = false;
    queue_.Next(&tag, &ok);
    const std::unique_ptr<Call> call(static_cast<Call*>(tag));
    latencies_.push_back(call->watch.microseconds());
    if (!call->status.ok()) throw std::runtime_error("a call failed: " + call->status.error_message());
    if (Method::text_of(call->response) != kText) throw std::runtime_error("a call was answered with something else");
  }

  typename Method::Stub stub_;
  grpc::CompletionQueue queue_;
  std::vector<double> latencies_;
};

constexpr const char* kCommand = "raw-client";
constexpr const char* kActor = "actor";

template <class Method>
int run(const std::string& address, int calls, int in_flight) {
  try {
    Client<Method> client(address);
    client.run(kWarmUpCalls, in_flight);
    const CallTimes times = client.run(calls, in_flight);
    std::cout << times.p50_us << ' ' << times.p99_us << ' ' << times.calls_per_second << '\n';
    return EXIT_SUCCESS;
  } catch (const std::exception& e) {
    std::cerr << "tractor_bench: " << e.what() << '\n';
    return EXIT_FAILURE;
  }
}

}  // namespace

CallTimes time_raw_client(Target target, const std::string& address, int calls, int in_flight) {
  OwnProcess client({kCommand, target == Target::kActor ? kActor : "server", address, std::to_string(calls),
                     std::to_string(in_flight)});
  CallTimes times;
  std::istringstream(client.read_line()) >> times.p50_us >> times.p99_us >> times.calls_per_second;
  return times;
}

void run_if_raw_client(int argc, char** argv) {
  if (argc != 6 || argv[1] != std::string_view(kCommand)) return;
  const bool of_actor = argv[2] == std::string_view(kActor);
  const auto run_client = of_actor ? run<InvokeMethod> : run<EchoMethod>;
  std::exit(run_client(argv[3], std::atoi(argv[4]), std::atoi(argv[5])));
}

}  // namespace bench
