// The service of an actor as a client sees it that knows nothing but the contract: gRPC's own blocking C++ client. It
// blocks its thread, which is therefore none that runs tasks.
#pragma once

#include <grpcpp/create_channel.h>

#include <atomic>
#include <thread>

#include "tractor/v1/actor.grpc.pb.h"
#include "work.h"

namespace tractor::test {

using Time = std::chrono::system_clock::time_point;

inline Time after(std::chrono::nanoseconds time) { return std::chrono::system_clock::now() + time; }
// Of each call that has no other deadline: a test that hangs says where.
inline Time soon() { return after(20s * kSlowness); }

inline v1::Value to_value(std::int64_t number) {
  v1::Value value;
  value.set_int64_value(number);
  return value;
}
inline v1::Value to_value(const std::string& text) {
  v1::Value value;
  value.set_string_value(text);
  return value;
}

template <class... A>
v1::InvokeRequest request_for(const std::string& function, const A&... arguments) {
  v1::InvokeRequest request;
  request.set_function("raw." + function);
  ((*request.add_args() = to_value(arguments)), ...);
  return request;
}
inline v1::InvokeRequest with_room(v1::InvokeRequest request, std::uint64_t items) {
  request.mutable_item_room()->set_items(items);
  request.mutable_item_room()->set_bytes(items << 20);
  return request;
}
inline v1::InvokeRequest with_timeout(v1::InvokeRequest request, std::chrono::nanoseconds timeout) {
  request.mutable_timeout()->set_seconds(timeout / 1s);
  request.mutable_timeout()->set_nanos(static_cast<std::int32_t>(timeout % 1s / 1ns));
  return request;
}
inline v1::InvokeRequest with_id(v1::InvokeRequest request, const std::string& call_id) {
  request.set_call_id(call_id);
  return request;
}

// One connection to an actor. It blocks its thread.
class RawClient {
 public:
  explicit RawClient(const std::string& address)
      : stub_(v1::ActorService::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()))) {}

  v1::ActorService::Stub& stub() { return *stub_; }

  v1::Value invoke(const std::string& function) {
    grpc::ClientContext context;
    context.set_deadline(soon());
    v1::InvokeResponse response;
    const grpc::Status status = stub_->Invoke(&context, request_for(function), &response);
    EXPECT_TRUE(status.ok()) << function << ": " << status.error_message();
    return response.value();
  }
  // Whether there is such a call.
  bool cancel(const std::string& call_id) {
    grpc::ClientContext context;
    context.set_deadline(soon());
    v1::CancelRequest request;
    request.set_call_id(call_id);
    v1::CancelResponse response;
    const grpc::Status status = stub_->Cancel(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.found();
  }

 private:
  std::unique_ptr<v1::ActorService::Stub> stub_;
};

// How a stream ended, and what came before.
struct Outcome {
  std::vector<v1::Value> items = {};
  v1::Value result = {};
  grpc::Status status = {};
};

// One call by Stream, cancelled when it goes. One thread may send while another receives.
class RawStream {
 public:
  RawStream(RawClient& client, const v1::InvokeRequest& opening, Time deadline = soon()) {
    context_.set_deadline(deadline);
    stream_ = client.stub().Stream(&context_);
    open(opening);
  }
  RawStream(const RawStream&) = delete;
  RawStream& operator=(const RawStream&) = delete;
  ~RawStream() {
    cancel();
    end();
  }

  // These wait until the transport takes it; false when the stream has ended.
  bool open(const v1::InvokeRequest& opening) {
    v1::StreamRequest request;
    *request.mutable_open() = opening;
    return stream_->Write(request);
  }
  template <class T>
  bool send(const T& item) {
    v1::StreamRequest request;
    *request.mutable_item() = to_value(item);
    return stream_->Write(request);
  }
  bool grant(std::uint64_t items) {
    v1::StreamRequest request;
    request.mutable_credit()->set_items(items);
    request.mutable_credit()->set_bytes(items << 20);
    return stream_->Write(request);
  }
  bool close_send() {
    v1::StreamRequest request;
    request.mutable_close_send();
    return stream_->Write(request);
  }
  bool half_close() { return stream_->WritesDone(); }
  // Any thread.
  void cancel() { context_.TryCancel(); }

  // Empty at the end.
  std::optional<v1::StreamResponse> next() {
    v1::StreamResponse response;
    if (!stream_->Read(&response)) return std::nullopt;
    return response;
  }
  // The next response, which is an item.
  v1::Value item() {
    const std::optional<v1::StreamResponse> response = next();
    if (!response) throw std::runtime_error("no item, but the end: " + end().error_message());
    if (!response->has_item()) throw std::runtime_error("no item, but " + response->ShortDebugString());
    return response->item();
  }
  std::int64_t number() { return item().int64_value(); }
  Outcome outcome() {
    Outcome all;
    while (const std::optional<v1::StreamResponse> response = next()) {
      if (response->has_item()) all.items.push_back(response->item());
      if (response->has_result()) all.result = response->result().value();
    }
    all.status = end();
    return all;
  }

 private:
  grpc::Status end() {
    if (ended_) return *ended_;
    while (next()) {
    }
    ended_ = stream_->Finish();
    return *ended_;
  }

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::StreamRequest, v1::StreamResponse>> stream_;
  std::optional<grpc::Status> ended_;
};

// Sends items of a megabyte, from a thread of its own, for as long as they are taken.
class Flood {
 public:
  explicit Flood(RawStream& stream) : stream_(stream), thread_([this] { send(); }) {}
  Flood(const Flood&) = delete;
  Flood& operator=(const Flood&) = delete;
  ~Flood() {
    stream_.cancel();
    if (thread_.joinable()) thread_.join();
  }

  int sent() const { return sent_; }
  // Once the item that it waits with is taken: how many were.
  int stop() {
    stopped_ = true;
    thread_.join();
    return sent_;
  }

 private:
  void send() {
    const std::string megabyte(std::size_t{1} << 20, 'x');
    while (!stopped_ && stream_.send(megabyte)) ++sent_;
  }

  RawStream& stream_;
  std::atomic<int> sent_ = 0;
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

}  // namespace tractor::test
