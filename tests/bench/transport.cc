#include "transport.h"

#include <filesystem>
#include <iostream>
#include <optional>
#include <string_view>

#include "functions.h"
#include "own_process.h"
#include "raw_grpc.h"

namespace bench {
namespace {

constexpr const char* kTcpActor = "tcp-actor";

using Body = std::function<void(tractor::Portal& actor, const std::string& grpc_address)>;

void run(tractor::Portal& actor, const RawServer& server, const Body& body) {
  actor.run(echo, kText);  // connects
  body(actor, server.address());
  actor.cancel_actor();
}

void compare_over_unix(const std::string& directory, const Body& body) {
  const RawServer server("unix:" + directory + "/raw.sock");
  tractor::open_nursery([&](tractor::ActorNursery& nursery) {
    tractor::Portal actor = nursery.start_actor("echo", {.modules = {kModule}});
    run(actor, server, body);
  });
}

// A program of its own, because only programs listen on ports.
void compare_over_tcp(const std::string& directory, const Body& body) {
  const RawServer server("127.0.0.1:0");
  OwnProcess program({kTcpActor, arbiter_address(directory)});
  tractor::to_thread([&] { program.read_line(); });  // this loop serves the arbiter meanwhile
  // Its unix socket would be preferred: without it, it is where an actor on another machine is.
  for (const std::string& address : tractor::find_actor(kTcpActor).value().channel().addresses) {
    if (address.starts_with("unix:")) std::filesystem::remove(address.substr(std::string_view("unix:").size()));
  }
  tractor::Portal actor = tractor::find_actor(kTcpActor).value();
  run(actor, server, body);
}

}  // namespace

std::string arbiter_address(const std::string& directory) { return "unix:" + directory + "/arbiter.sock"; }

void compare_over(Transport transport, const std::string& directory, const Body& body) {
  transport == Transport::kUnix ? compare_over_unix(directory, body) : compare_over_tcp(directory, body);
}

std::optional<int> run_if_tcp_actor(tractor::Program& program, int argc, char** argv) {
  if (argc != 3 || argv[1] != std::string_view(kTcpActor)) return std::nullopt;
  const tractor::RunOptions options{
      .name = kTcpActor, .arbiter = argv[2], .modules = {kModule}, .listen = {"127.0.0.1:0"}, .insecure = true};
  return program.main(options, [] {
    std::cout << "serving" << std::endl;
    tractor::sleep_forever();
  });
}

}  // namespace bench
