// The processes that arbiter_bench measures, and what it says to them: plain blocking gRPC, as a client in another
// language would. Any thread, one at a time.
#pragma once

#include <memory>
#include <string>

#include "../own_process.h"
#include "tractor/v1/arbiter.grpc.pb.h"

namespace bench {

using ArbiterStub = tractor::v1::ArbiterService::Stub;

// tractor-arbiter at a unix socket, serving when the constructor returns.
class Arbiter {
 public:
  explicit Arbiter(const std::string& socket, const std::string& store = "memory");
  const std::string& address() const { return address_; }
  pid_t pid() const { return process_.pid(); }
  std::unique_ptr<ArbiterStub> connect() const;

 private:
  std::string address_;
  OtherProcess process_;
};

// One member of etcd, on a port that was free.
class Etcd {
 public:
  // `directory`: for its data.
  explicit Etcd(const std::string& directory);
  const std::string& endpoint() const { return endpoint_; }

 private:
  std::string endpoint_;
  OtherProcess process_;
};

// Actors that are registered for as long as it lives: "actor 0" and so on.
class Population {
 public:
  Population(const Arbiter& arbiter, int actors);
  ~Population();
  // One more, or that one again; returns when it is registered.
  void add(const std::string& name, std::uint64_t incarnation);

  static std::string name(int i) { return "actor " + std::to_string(i); }

 private:
  tractor::v1::RegisterResponse read();

  std::unique_ptr<ArbiterStub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<tractor::v1::RegisterRequest, tractor::v1::RegisterResponse>> stream_;
};

}  // namespace bench
