#include "runtime/wire/prepare_grpc.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/channel.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "runtime/log.h"
#include "runtime/wire/peer.h"

namespace tractor {
namespace {

// gRPC's own log goes where ours goes; what it calls an error is often none (a peer that went away).
void log_grpc_message(gpr_log_func_args* args) {
  const log::Level level = args->severity == GPR_LOG_SEVERITY_ERROR ? log::Level::debug : log::Level::trace;
  if (log::enabled(level)) log::write(level, absl::StrCat("grpc: ", args->message));
}

}  // namespace

void prepare_grpc() {
  static const bool once = [] {
    // Debian's Abseil looks for deadlocks, and aborts for what only looks like one.
    absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
    // Never given back: the last grpc_shutdown joins gRPC's threads, one of which may be polling for another 10 s (its
    // backup poller, after a write that had to wait); a child was killed then for not ending within its budget.
    grpc_init();
    // Nor is its event engine, which a channel holds: ending that waits forever for a thread that could not be started.
    // (Used: a leak checker must find the pointer.)
    [[gnu::used]] static const auto* engine_holder =
        new std::shared_ptr<grpc::Channel>(open_channel("unix:/never-used"));
    gpr_set_log_function(log_grpc_message);
    gpr_set_log_verbosity(log::enabled(log::Level::debug) ? GPR_LOG_SEVERITY_INFO : GPR_LOG_SEVERITY_ERROR);
    return true;
  }();
  static_cast<void>(once);
}

}  // namespace tractor
