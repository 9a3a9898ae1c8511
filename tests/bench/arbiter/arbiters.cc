#include "arbiters.h"

#include <arpa/inet.h>
#include <grpcpp/create_channel.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <thread>

namespace bench {
namespace {

using namespace tractor;

std::string arbiter_binary() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path().parent_path() / "arbiter" /
         "tractor-arbiter";
}

std::string free_endpoint() {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(descriptor);
  if (!bound) throw std::runtime_error("no port is free on 127.0.0.1");
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

v1::RegisterRequest add_request(const std::string& name, std::uint64_t incarnation) {
  v1::RegisterRequest request;
  v1::Registration& actor = *request.mutable_add();
  actor.set_name(name);
  actor.set_actor_id("id of " + name);
  actor.set_incarnation(incarnation);
  actor.add_addresses("unix:/run/user/1000/tractor/tree-7f3a91bc00112233/" + name + ".sock");
  actor.add_addresses("10.0.0.1:16160");
  actor.add_modules("scene");
  actor.set_host("a host");
  actor.set_pid(4711);
  return request;
}

}  // namespace

Arbiter::Arbiter(const std::string& socket, const std::string& store)
    : address_("unix:" + socket),
      process_(arbiter_binary(), {"tractor-arbiter", "--listen", address_, "--store", store}) {
  process_.read_line();
}

std::unique_ptr<ArbiterStub> Arbiter::connect() const {
  grpc::ChannelArguments own_connection;
  own_connection.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return v1::ArbiterService::NewStub(
      grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), own_connection));
}

Etcd::Etcd(const std::string& directory)
    : endpoint_(free_endpoint()), process_("/usr/bin/etcd", [&] {
        const std::string peer = "http://" + free_endpoint();
        return std::vector<std::string>{"etcd",
                                        "--data-dir",
                                        directory,
                                        "--logger",
                                        "zap",
                                        "--log-outputs",
                                        "/dev/null",
                                        "--listen-client-urls",
                                        "http://" + endpoint_,
                                        "--advertise-client-urls",
                                        "http://" + endpoint_,
                                        "--listen-peer-urls",
                                        peer,
                                        "--initial-advertise-peer-urls",
                                        peer,
                                        "--initial-cluster",
                                        "default=" + peer};
      }()) {}

Population::Population(const Arbiter& arbiter, int actors) : stub_(arbiter.connect()) {
  stream_ = stub_->Register(&context_);
  v1::RegisterRequest hello;
  hello.mutable_hello()->set_version(1);
  stream_->Write(hello);
  read();
  std::thread writer([&] {
    for (int i = 0; i < actors; ++i) stream_->Write(add_request(name(i), 1));
  });
  try {
    for (int i = 0; i < actors; ++i) read();
  } catch (...) {
    context_.TryCancel();
    writer.join();
    throw;
  }
  writer.join();
}

Population::~Population() {
  context_.TryCancel();
  v1::RegisterResponse rest;
  while (stream_->Read(&rest)) {
  }
  stream_->Finish();
}

void Population::add(const std::string& name, std::uint64_t incarnation) {
  stream_->Write(add_request(name, incarnation));
  read();
}

v1::RegisterResponse Population::read() {
  v1::RegisterResponse response;
  if (!stream_->Read(&response) || response.has_refused())
    throw std::runtime_error("the arbiter does not register: " + response.refused().reason());
  return response;
}

}  // namespace bench
