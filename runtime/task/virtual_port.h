// An event port on virtual time, for tests: when all tasks wait, time jumps to the next deadline. Nothing takes time
// and nothing flakes.
//
// Time starts at 1 s. When all tasks wait and there is no deadline, nothing can ever happen again: the port prints what
// the tasks wait for and aborts, unless other threads are expected to post.
#pragma once

#include <condition_variable>
#include <mutex>

#include "runtime/task/event_port.h"

namespace tractor {

class VirtualPort : public EventPort {
 public:
  Clock::time_point now() const override { return now_; }
  void poll(Clock::time_point deadline) override;
  void ring() override;

  // With true, waiting without a deadline blocks the thread until ring(), for tests in which other threads post
  // (to_thread). Time still jumps when there is a deadline.
  void expect_other_threads(bool expected) { other_threads_ = expected; }

 private:
  Clock::time_point now_{std::chrono::seconds(1)};
  bool other_threads_ = false;
  std::mutex mutex_;
  std::condition_variable rings_;
  bool rung_ = false;  // guarded by mutex_
};

}  // namespace tractor
