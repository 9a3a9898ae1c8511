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
            .calls_per_second = calls / seconds,
            .latencies = Histogram(latencies_)};
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

// One stream on one completion queue, one operation at a time.
class StreamClient {
 public:
  explicit StreamClient(const std::string& address)
      : stub_(tractor::bench::EchoService::NewStub(tractor::open_channel(address))) {}

  double items_per_second(std::int64_t count, std::size_t size) {
    grpc::ClientContext context;
    tractor::bench::ItemsRequest request;
    request.set_count(count);
    request.set_size(static_cast<std::int64_t>(size));
    const Stopwatch watch;
    const auto reader = stub_->AsyncItems(&context, request, &queue_, nullptr);
    if (!next()) throw std::runtime_error("a stream could not be started");
    tractor::bench::EchoResponse item;
    std::int64_t received = 0;
    for (reader->Read(&item, nullptr); next(); reader->Read(&item, nullptr)) {
      if (item.text().size() != size) throw std::runtime_error("an item is of another size");
      ++received;
    }
    const double seconds = watch.seconds();
    finish(*reader);
    if (received != count) throw std::runtime_error("items are missing");
    return static_cast<double>(count) / seconds;
  }

  double chat_p50_us(int count) {
    grpc::ClientContext context;
    const auto stream = stub_->AsyncChat(&context, &queue_, nullptr);
    if (!next()) throw std::runtime_error("a stream could not be started");
    tractor::bench::EchoRequest sent;
    tractor::bench::EchoResponse received;
    std::vector<double> latencies;
    for (int i = 0; i < count; ++i) {
      sent.set_text(kText);
      const Stopwatch watch;
      stream->Write(sent, nullptr);
      if (!next()) throw std::runtime_error("an item was not sent");
      stream->Read(&received, nullptr);
      if (!next() || received.text() != kText) throw std::runtime_error("an item was not answered");
      latencies.push_back(watch.microseconds());
    }
    stream->WritesDone(nullptr);
    next();
    finish(*stream);
    return quantile(latencies, 0.50);
  }

 private:
  bool next() {
    void* tag = nullptr;
    bool ok = false;
    queue_.Next(&tag, &ok);
    return ok;
  }
  template <class Stream>
  void finish(Stream& stream) {
    grpc::Status status;
    stream.Finish(&status, nullptr);
    next();
    if (!status.ok()) throw std::runtime_error("a stream failed: " + status.error_message());
  }

  std::unique_ptr<tractor::bench::EchoService::Stub> stub_;
  grpc::CompletionQueue queue_;
};

constexpr const char* kCommand = "raw-client";

template <class Method>
CallTimes call_times(const std::string& address, int calls, int in_flight) {
  Client<Method> client(address);
  client.run(kWarmUpCalls, in_flight);
  return client.run(calls, in_flight);
}

int run(std::string_view what, const std::string& address, std::int64_t count, std::size_t size) {
  try {
    if (what == "items") {
      StreamClient client(address);
      client.items_per_second(std::max<std::int64_t>(count / 10, 1), size);
      std::cout << client.items_per_second(count, size) << '\n';
    } else if (what == "chat") {
      StreamClient client(address);
      client.chat_p50_us(kWarmUpCalls);
      std::cout << client.chat_p50_us(static_cast<int>(count)) << '\n';
    } else {
      const auto times_of = what == "actor" ? call_times<InvokeMethod> : call_times<EchoMethod>;
      const CallTimes times = times_of(address, static_cast<int>(count), static_cast<int>(size));
      std::cout << times.p50_us << ' ' << times.p99_us << ' ' << times.calls_per_second << ' ' << times.latencies
                << '\n';
    }
    return EXIT_SUCCESS;
  } catch (const std::exception& e) {
    std::cerr << "tractor_bench: " << e.what() << '\n';
    return EXIT_FAILURE;
  }
}

// What a client prints. `size` is that of an item, or how many calls are in flight.
std::istringstream answer(const std::string& what, const std::string& address, std::int64_t count, std::size_t size) {
  OwnProcess client({kCommand, what, address, std::to_string(count), std::to_string(size)});
  return std::istringstream(client.read_line());
}

}  // namespace

CallTimes time_raw_client(Target target, const std::string& address, int calls, int in_flight) {
  CallTimes times;
  answer(target == Target::kActor ? "actor" : "server", address, calls, static_cast<std::size_t>(in_flight)) >>
      times.p50_us >> times.p99_us >> times.calls_per_second >> times.latencies;
  return times;
}

double raw_items_per_second(const std::string& address, std::int64_t count, std::size_t size) {
  double items = 0;
  answer("items", address, count, size) >> items;
  return items;
}

double raw_chat_p50_us(const std::string& address, int count) {
  double p50 = 0;
  answer("chat", address, count, kText.size()) >> p50;
  return p50;
}

void run_if_raw_client(int argc, char** argv) {
  if (argc != 6 || argv[1] != std::string_view(kCommand)) return;
  std::exit(run(argv[2], argv[3], std::atoll(argv[4]), static_cast<std::size_t>(std::atoll(argv[5]))));
}

}  // namespace bench
