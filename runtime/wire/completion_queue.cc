#include "runtime/wire/completion_queue.h"

#include <grpc/support/time.h>

#include <algorithm>
#include <thread>

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

void CompletionQueuePort::flush_all() {
  while (!to_flush_.empty()) {
    Flushable& flushable = to_flush_.front();
    to_flush_.pop_front();
    flushable.flush();
  }
}

void CompletionQueuePort::poll(Clock::time_point deadline) {
  looked_.store(true, std::memory_order_relaxed);
  flush_all();
  if (!wait_and_deliver(deadline)) return;
  // gRPC looks at its sockets only when the queue is empty, and not even then just after an operation ended elsewhere:
  // a task that retries a call which fails at once kept everything else waiting for up to 4 s. So empty the queue now
  // and then, twice.
  constexpr unsigned kEventsPerLook = 16;
  constexpr int kMostEvents = 64;
  if (++events_ % kEventsPerLook != 0) return;
  const gpr_timespec past = gpr_inf_past(GPR_CLOCK_MONOTONIC);
  for (int empty = 0, i = 0; empty < 2 && i < kMostEvents; ++i) empty = deliver_next(past) ? 0 : empty + 1;
}

void CompletionQueuePort::set_busy_poll(Clock::duration busy_poll) {
  busy_poll_ = std::thread::hardware_concurrency() > 1 ? busy_poll : Clock::duration::zero();
}

bool CompletionQueuePort::wait_and_deliver(Clock::time_point deadline) {
  if (deadline == Clock::time_point::min()) return deliver_next(gpr_inf_past(GPR_CLOCK_MONOTONIC));
  if (busy_poll_ > Clock::duration::zero() && deadline > now() && busy_poll_and_deliver(deadline)) return true;
  waits_.store(true, std::memory_order_relaxed);
  const bool delivered = deliver_next(grpc_deadline(deadline, now()));
  waits_.store(false, std::memory_order_relaxed);
  return delivered;
}

// Where nothing comes for as long, it is tried ever more seldom.
bool CompletionQueuePort::busy_poll_and_deliver(Clock::time_point deadline) {
  constexpr unsigned kMostInVain = 8;
  if (polls_to_skip_ > 0) {
    --polls_to_skip_;
    return false;
  }
  const Clock::time_point end = std::min(deadline, deadline_after(busy_poll_));
  do {
    if (!deliver_next(gpr_inf_past(GPR_CLOCK_MONOTONIC))) continue;
    polled_in_vain_ = 0;
    return true;
  } while (now() < end);
  polled_in_vain_ = std::min(polled_in_vain_ + 1, kMostInVain);
  polls_to_skip_ = (1U << polled_in_vain_) - 1;
  return false;
}

bool CompletionQueuePort::deliver_next(gpr_timespec until) {
  void* tag = nullptr;
  bool ok = false;
  if (queue_->AsyncNext(&tag, &ok, until) != grpc::CompletionQueue::GOT_EVENT) return false;
  static_cast<Tag*>(tag)->done(ok);
  return true;
}

void CompletionQueuePort::ring() {
  if (rung_.exchange(true)) return;
  doorbell_.Set(queue_.get(), gpr_inf_past(GPR_CLOCK_MONOTONIC), tag());
}

void CompletionQueuePort::done(bool /*ok*/) { rung_ = false; }

}  // namespace tractor
