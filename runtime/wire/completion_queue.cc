#include "runtime/wire/completion_queue.h"

#include <grpc/support/time.h>

namespace tractor {
namespace {

gpr_timespec grpc_deadline(Clock::time_point deadline, Clock::time_point now) {
  if (deadline == Clock::kNever) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  if (deadline <= now) return gpr_inf_past(GPR_CLOCK_MONOTONIC);
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos((deadline - now).count(), GPR_TIMESPAN));
}

}  // namespace

CompletionQueuePort::~CompletionQueuePort() {
  doorbell_.Cancel();
  queue_->Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) static_cast<Tag*>(tag)->done(ok);
}

Clock::time_point CompletionQueuePort::now() const {
  return Clock::time_point(
      std::chrono::duration_cast<Clock::duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

void CompletionQueuePort::poll(Clock::time_point deadline) {
  void* tag = nullptr;
  bool ok = false;
  const gpr_timespec until =
      deadline == Clock::time_point::min() ? gpr_inf_past(GPR_CLOCK_MONOTONIC) : grpc_deadline(deadline, now());
  if (queue_->AsyncNext(&tag, &ok, until) == grpc::CompletionQueue::GOT_EVENT) static_cast<Tag*>(tag)->done(ok);
}

void CompletionQueuePort::ring() {
  if (rung_.exchange(true)) return;
  doorbell_.Set(queue_.get(), gpr_inf_past(GPR_CLOCK_MONOTONIC), tag());
}

void CompletionQueuePort::done(bool /*ok*/) { rung_ = false; }

}  // namespace tractor
