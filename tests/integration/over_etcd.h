// Arbiters over a real etcd, for tests of what they answer, and of outages.
#pragma once

#include <thread>

#include "arbiter_wire.h"
#include "etcd.h"

namespace tractor::test {

using Ids = std::vector<std::string>;
using Lines = std::vector<std::string>;

inline std::string id() { return current_actor().id(); }
inline std::uint64_t token() { return current_actor().fencing_token(); }
inline void define_etcd(Program& p) { p.module("etcd").def("id", id).def("token", token); }
inline const ActorOptions kDaemon{.modules = {"etcd"}};

// No find may fail for longer.
inline constexpr auto kOutage = 3s * kSlowness;

class OverEtcd : public RealProcesses {
 protected:
  OverEtcd() { keeps_descriptors(); }  // gRPC's blocking calls poll with some of their own
  void TearDown() override {
    etcd_.reset();
    RealProcesses::TearDown();
  }
  void serve(int members) { etcd_.emplace(members); }
  Process arbiter(const std::string& socket, const std::string& store = "") {
    return start_arbiter(
        {"--listen", socket, "--store", store.empty() ? etcd_->url() : store, "--store-timeout", "20"});
  }

  ScratchDirectory scratch_;
  const std::string first_ = "unix:" + scratch_ / "1.sock";
  const std::string second_ = "unix:" + scratch_ / "2.sock";
  std::optional<Etcd> etcd_;
};

// Asks for "a" all the time, and knows for how long there was no answer with it at most.
class Asker {
 public:
  explicit Asker(const std::string& address) : thread_([this, address] { run(address); }) {}
  ~Asker() { stop(); }
  std::chrono::nanoseconds stop() {
    ending_ = true;
    if (thread_.joinable()) thread_.join();
    return longest_;
  }

 private:
  void run(const std::string& address) {
    Wire wire(address);
    auto last = std::chrono::steady_clock::now();
    while (!ending_) {
      grpc::ClientContext context;
      context.set_deadline(soon());
      v1::FindRequest request;
      request.set_name("a");
      v1::FindResponse response;
      const bool found = wire.stub().Find(&context, request, &response).ok() && response.actors_size() == 1;
      const auto now = std::chrono::steady_clock::now();
      longest_ = std::max<std::chrono::nanoseconds>(longest_, now - last);
      if (found) last = now;
      std::this_thread::sleep_for(10ms);
    }
  }
  std::atomic<bool> ending_ = false;
  std::chrono::nanoseconds longest_{};
  std::thread thread_;
};

// Whether it says that its answer is out of date.
inline bool is_stale(Wire& wire) {
  grpc::ClientContext context;
  context.set_deadline(soon());
  v1::FindResponse response;
  EXPECT_TRUE(wire.stub().Find(&context, {}, &response).ok());
  return response.stale();
}

// How an arbiter answers a tree that wants to register now.
inline grpc::Status status_of_hello(Wire& wire) {
  grpc::ClientContext context;
  context.set_deadline(soon());
  const auto stream = wire.stub().Register(&context);
  v1::RegisterRequest hello;
  hello.mutable_hello()->set_version(1);
  stream->Write(hello);
  v1::RegisterResponse response;
  if (stream->Read(&response)) {
    context.TryCancel();
    stream->Finish();
    return grpc::Status::OK;
  }
  return stream->Finish();
}

// Loses the three members of an etcd one after the other; `recover` returns when that one serves again.
inline void survives_the_loss_of_any_member(const std::string& socket, const std::function<void(int)>& lose,
                                            const std::function<void(int)>& recover) {
  Wire wire(socket);
  Tree tree(wire);
  tree.add(registration("a", "1"));
  Watcher watcher(wire);
  ASSERT_TRUE(watcher.next().starts_with("+a/1"));
  ASSERT_TRUE(watcher.next().starts_with("end"));
  Asker asker(socket);
  for (int i = 0; i < 3; ++i) {
    lose(i);
    const std::string id = "new " + std::to_string(i);
    EXPECT_TRUE(eventually([&] { return tree.add(registration("b", id))->added() == id; }, 15s * kSlowness));
    std::string line;
    while (!line.starts_with("+b/" + id)) {  // someone may be told of again, but nobody goes
      line = watcher.next();
      ASSERT_TRUE(line.starts_with("+")) << line;
    }
    recover(i);
  }
  EXPECT_LT(asker.stop(), kOutage);
  EXPECT_EQ(wire.find("b").size(), 3U);
}

}  // namespace tractor::test
