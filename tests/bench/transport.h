// What carries calls: unix sockets, as between actors of one machine, or TCP over loopback.
#pragma once

#include <tractor/tractor.h>

#include <functional>
#include <optional>
#include <string>

#include "measurement.h"

namespace bench {

// Starts an actor with module "bench" and a plain gRPC server, lets `body` call both, and ends them. `directory` is
// that of the settings.
void compare_over(Transport transport, const std::string& directory,
                  const std::function<void(tractor::Portal& actor, const std::string& grpc_address)>& body);

// Where the benchmark's own arbiter serves.
std::string arbiter_address(const std::string& directory);

// In the process that serves as that actor over TCP: the exit status. Elsewhere it does nothing.
std::optional<int> run_if_tcp_actor(tractor::Program& program, int argc, char** argv);

}  // namespace bench
