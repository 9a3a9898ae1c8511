// The connections over TCP that a server was given: gRPC, which owns them, tells of each call only where it came from,
// as ServerContext::peer() calls it.
//
// Any thread. One that has ended is forgotten when its descriptor's number is used again.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "runtime/task/clock.h"
#include "runtime/unique_descriptor.h"

namespace tractor {

class TcpConnections {
 public:
  void add(int descriptor);

  // Parks until nothing has come over that connection, and nothing was sent, for so long; false when it is none of TCP,
  // or has ended. To be asked of one whose other end asks for signs of life, as every C++ actor does (peer.cc): one
  // that is quiet was stopped, or is gone. While something is sent it need not ask. The kernel cannot tell: it answers
  // for a process that is stopped.
  bool wait_until_silent(const std::string& peer, Clock::duration limit) const;
  // Ends it.
  void cut_off(const std::string& peer) const;

 private:
  // A second descriptor, for a moment: gRPC relies on it that there is none while it closes its own.
  UniqueDescriptor find(const std::string& peer) const;

  mutable std::mutex mutex_;
  std::map<std::string, int> by_peer_;
  std::map<int, std::string> by_descriptor_;
};

}  // namespace tractor
