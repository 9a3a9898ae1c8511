// An arbiter as a client in another language sees it: plain gRPC, blocking.
#pragma once

#include <fcntl.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/create_channel_posix.h>

#include "harness.h"
#include "listener.h"
#include "tractor/v1/arbiter.grpc.pb.h"

namespace tractor::test {

// tractor-arbiter, once it listens there.
inline Process start_arbiter(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {built_binary("arbiter/tractor-arbiter")};
  command.insert(command.end(), arguments.begin(), arguments.end());
  Process process(std::move(command));
  EXPECT_TRUE(process.prints("listening on ")) << process.err();
  return process;
}

// In each wait for an arbiter: a test that hangs says where.
inline std::chrono::system_clock::time_point soon() { return std::chrono::system_clock::now() + 10s * kSlowness; }

class Wire {
 public:
  explicit Wire(const std::string& address, const grpc::ChannelArguments& arguments = {})
      : stub_(v1::ArbiterService::NewStub(
            grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments))) {}
  explicit Wire(const std::shared_ptr<grpc::Channel>& channel) : stub_(v1::ArbiterService::NewStub(channel)) {}
  v1::ArbiterService::Stub& stub() { return *stub_; }

  std::vector<std::string> find(const std::string& name, const std::string& actor_namespace = "") {
    grpc::ClientContext context;
    context.set_deadline(soon());
    v1::FindRequest request;
    request.set_name(name);
    request.set_namespace_(actor_namespace);
    v1::FindResponse response;
    const grpc::Status status = stub_->Find(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::vector<std::string> ids;
    for (const v1::Registration& actor : response.actors()) ids.push_back(actor.actor_id());
    return ids;
  }

 private:
  std::unique_ptr<v1::ArbiterService::Stub> stub_;
};

// A connection of its own to an arbiter's unix socket, which can be broken: as when its client is killed.
class Connection {
 public:
  explicit Connection(const std::string& address) : descriptor_(connect_to(address)), wire_(channel()) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(descriptor_); }

  Wire& wire() { return wire_; }
  void kill() const { shutdown(descriptor_, SHUT_RDWR); }

 private:
  std::shared_ptr<grpc::Channel> channel() const {
    const int copy = fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
    fcntl(copy, F_SETFL, O_NONBLOCK);
    return grpc::CreateInsecureChannelFromFd("arbiter", copy);
  }

  int descriptor_;
  Wire wire_;
};

inline v1::Registration registration(const std::string& name, const std::string& id, std::uint64_t incarnation = 1) {
  v1::Registration registration;
  registration.set_name(name);
  registration.set_actor_id(id);
  registration.set_incarnation(incarnation);
  registration.add_addresses("127.0.0.1:1");
  return registration;
}

// A tree's stream, welcomed.
class Tree {
 public:
  explicit Tree(Wire& wire, const std::string& actor_namespace = "") {
    context_.set_deadline(std::chrono::system_clock::now() + 90s);
    stream_ = wire.stub().Register(&context_);
    v1::RegisterRequest hello;
    hello.mutable_hello()->set_version(1);
    hello.mutable_hello()->set_namespace_(actor_namespace);
    const auto reply = ask(hello);
    EXPECT_TRUE(reply && reply->has_welcome());
    if (reply) welcome = reply->welcome();
  }
  ~Tree() { lose(); }

  void send(const v1::RegisterRequest& request) { stream_->Write(request); }
  std::optional<v1::RegisterResponse> receive() {
    v1::RegisterResponse response;
    if (!stream_->Read(&response)) return std::nullopt;
    return response;
  }
  std::optional<v1::RegisterResponse> ask(const v1::RegisterRequest& request) {
    send(request);
    return receive();
  }
  std::optional<v1::RegisterResponse> add(const v1::Registration& registration) {
    v1::RegisterRequest request;
    *request.mutable_add() = registration;
    return ask(request);
  }
  std::optional<v1::RegisterResponse> remove(const std::string& id) {
    v1::RegisterRequest request;
    request.set_remove(id);
    return ask(request);
  }
  // The connection breaks.
  void lose() {
    context_.TryCancel();
    end();
  }
  grpc::Status end() {
    if (ended_) return *ended_;
    while (receive()) {
    }
    ended_ = stream_->Finish();
    return *ended_;
  }

  v1::Welcome welcome;

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::RegisterRequest, v1::RegisterResponse>> stream_;
  std::optional<grpc::Status> ended_;
};

// A watch, as text: "+a/1 @5" and "-a/1 @6" with the revision to go on from; "end @5" of a snapshot; "start over @9".
class Watcher {
 public:
  explicit Watcher(Wire& wire, const std::string& epoch = "", std::uint64_t revision = 0,
                   const std::string& actor_namespace = "") {
    context_.set_deadline(std::chrono::system_clock::now() + 90s);
    v1::WatchRequest request;
    request.set_epoch(epoch);
    request.set_revision(revision);
    request.set_namespace_(actor_namespace);
    stream_ = wire.stub().Watch(&context_, request);
  }
  ~Watcher() {
    context_.TryCancel();
    v1::WatchResponse rest;
    while (stream_->Read(&rest)) {
    }
    stream_->Finish();
  }

  // "" at the end of the stream.
  std::string next() {
    if (!stream_->Read(&last)) return "";
    const std::string at = " @" + std::to_string(last.revision());
    if (last.has_added()) return "+" + last.added().name() + "/" + last.added().actor_id() + at;
    if (last.has_removed()) return "-" + last.removed().name() + "/" + last.removed().actor_id() + at;
    return (last.has_start_over() ? "start over" : "end") + at;
  }
  std::vector<std::string> next(int n) {
    std::vector<std::string> all;
    for (int i = 0; i < n; ++i) all.push_back(next());
    return all;
  }

  // Reads on to the end of the snapshot; false when the stream ends before.
  bool skip_snapshot() {
    std::string line = next();
    while (!line.empty() && !line.starts_with("end")) line = next();
    return !line.empty();
  }

  v1::WatchResponse last;

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchResponse>> stream_;
};

}  // namespace tractor::test
