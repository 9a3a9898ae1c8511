#include "runtime/wire/server_call.h"

#include <sys/socket.h>

#include <charconv>
#include <string_view>

namespace tractor {
namespace {

// The descriptor in a peer of the form "fd:7"; -1 for others.
int descriptor_of(std::string_view peer) {
  constexpr std::string_view kPrefix = "fd:";
  int descriptor = -1;
  if (peer.starts_with(kPrefix)) std::from_chars(peer.data() + kPrefix.size(), peer.data() + peer.size(), descriptor);
  return descriptor;
}

}  // namespace

bool ServerCall::wait_sent(Operation& op, const std::function<Clock::time_point()>& deadline) {
  struct CutOff : Timer {
    explicit CutOff(ServerCall& c) : Timer([](Timer& t) { static_cast<CutOff&>(t).call.cut_off(); }), call(c) {}
    ServerCall& call;
  } timer(*this);
  return op.wait([&] { timer.arm(deadline()); });
}

// Cancelling is not enough: gRPC waits for the write that the kernel has begun. As long as it does the number is the
// connection's; a cancelled call does not know it any more.
void ServerCall::cut_off() {
  const int descriptor = descriptor_of(context_.peer());
  if (descriptor >= 0) shutdown(descriptor, SHUT_RDWR);
  context_.TryCancel();
}

}  // namespace tractor
