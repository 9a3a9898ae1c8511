// Plain gRPC, as anyone would write it for speed, in processes of its own: what actors are compared with.
//
// The server answers echo.proto's EchoService asynchronously: one completion queue, one thread. The client is an
// asynchronous one on one channel and one completion queue, which its one thread waits in; it calls either that server
// or an actor's Invoke with bench.echo and the same 16 bytes, with the same code and the same channel arguments. The
// comparison favours plain gRPC: its message is one string, the actor's a function's name and a list of values.
#pragma once

#include <cstdint>
#include <string>

#include "own_process.h"
#include "samples.h"

namespace bench {

class RawServer {
 public:
  // Serves at "unix:/path" or "host:port" when the constructor returns. Call it on a thread that stays: the process
  // ends with that thread.
  explicit RawServer(const std::string& address);
  // With the port that it has, when 0 was asked for.
  const std::string& address() const { return address_; }

 private:
  OwnProcess process_;
  std::string address_;
};

enum class Target { kRawServer, kActor };

struct CallTimes {
  double p50_us = 0;
  double p99_us = 0;
  double calls_per_second = 0;
  Histogram latencies = {};
};

// Makes `calls` calls from a client process of their own, `in_flight` at a time, after some that are not measured.
// Blocks the thread.
CallTimes time_raw_client(Target target, const std::string& address, int calls, int in_flight);

// Reads a stream of `count` items of `size` bytes, one a message, from such a client: items a second. Blocks the
// thread.
double raw_items_per_second(const std::string& address, std::int64_t count, std::size_t size);
// Sends that many items over one stream, one at a time, and gets each back: the median in us. Blocks the thread.
double raw_chat_p50_us(const std::string& address, int count);

// In such a process: run and never return. Elsewhere they do nothing.
void run_if_raw_server(int argc, char** argv);
void run_if_raw_client(int argc, char** argv);

}  // namespace bench
