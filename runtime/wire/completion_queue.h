// The production event port: the scheduler waits in one gRPC completion queue, which carries server and client
// operations alike.
//
// Owns the queue; loop thread only, but for ring(). Deadlines are timeouts of the wait (no grpc::Alarm per timer); one
// Alarm is the doorbell for other threads.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <memory>

#include "runtime/task/event_port.h"
#include "runtime/task/scheduler.h"

namespace tractor {

// What the queue delivers: done() runs on the loop and must not wait. Pass it to gRPC as tag().
class Tag {
 public:
  virtual void done(bool ok) = 0;
  void* tag() { return this; }

 protected:
  ~Tag() = default;
};

// One of several operations of an object, done by its member function.
template <class T, void (T::*kDone)(bool ok)>
class MemberTag final : public Tag {
 public:
  explicit MemberTag(T& owner) : owner_(owner) {}

 private:
  void done(bool ok) override { (owner_.*kDone)(ok); }
  T& owner_;
};

// Who has gathered something to write and wants it written before the loop waits: so that what many tasks say in one
// turn goes together.
class Flushable : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  virtual void flush() = 0;

 protected:
  ~Flushable() = default;
};

class CompletionQueuePort final : public EventPort, private Tag {
 public:
  explicit CompletionQueuePort(std::unique_ptr<grpc::ServerCompletionQueue> queue) : queue_(std::move(queue)) {}
  // Shuts the queue down and delivers what is still in it; servers that use it must have been shut down before.
  ~CompletionQueuePort();

  grpc::ServerCompletionQueue* queue() { return queue_.get(); }
  // Flushes it once, in the next poll().
  void flush_soon(Flushable& flushable) {
    if (!flushable.is_linked()) to_flush_.push_back(flushable);
  }

  // poll() looks for events this long before it sleeps; zero: not at all. A core is busy meanwhile. On a machine with
  // one core it does nothing.
  void set_busy_poll(Clock::duration busy_poll);

  // Whether the loop waits for events, or has looked for some since this was asked last. Any thread.
  bool take_looked() { return waits_ || looked_.exchange(false); }

  Clock::time_point now() const override;
  void poll(Clock::time_point deadline) override;
  void ring() override;

 private:
  void done(bool ok) override;
  void flush_all();
  bool wait_and_deliver(Clock::time_point deadline);
  bool busy_poll_and_deliver(Clock::time_point deadline);
  // Delivers the next event; false when none came until then.
  bool deliver_next(gpr_timespec until);

  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  boost::intrusive::list<Flushable, boost::intrusive::constant_time_size<false>> to_flush_;
  unsigned events_ = 0;
  Clock::duration busy_poll_ = Clock::duration::zero();
  unsigned polled_in_vain_ = 0;
  unsigned polls_to_skip_ = 0;
  grpc::Alarm doorbell_;
  std::atomic<bool> rung_ = false;
  std::atomic<bool> waits_ = false;
  std::atomic<bool> looked_ = false;
};

// One gRPC operation that one task waits for. It cannot be undone: cancellation asks gRPC to end it, and its tag ends
// the wait, so the wait is always complete when it returns. Lives until its tag has come.
class Operation final : public Tag {
 public:
  explicit Operation(const char* what) : waiter_(what) {}

  // Parks until the tag comes; `ask_to_end` runs once, on the loop, when the task is cancelled. Returns gRPC's ok.
  // Never throws Cancelled.
  template <class F>
  bool wait(F&& ask_to_end) {
    waiter_.wait([&] {
      ask_to_end();
      return Abort::kLater;
    });
    return ok_;
  }
  // Parks until the tag comes, whatever is cancelled.
  bool wait_shielded() {
    waiter_.wait_shielded();
    return ok_;
  }
  // Whether ask_to_end ran.
  bool cancelled() const { return waiter_.cancelled(); }

 private:
  void done(bool ok) override {
    ok_ = ok;
    waiter_.wake();
  }

  Waiter waiter_;
  bool ok_ = false;
};

}  // namespace tractor
