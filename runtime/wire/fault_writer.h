// Writes a link's messages the way this process' fault plan wants it (fault_plan.h). Loop thread only.
#pragma once

#include <functional>
#include <string>

#include "runtime/task/cancel_scope.h"

namespace tractor {

class FaultWriter {
 public:
  struct Stream {
    std::function<void(const std::string& message)> write;  // its end is told to written()
    std::function<void()> skip;                             // as if one had been written
    std::function<void()> break_off;                        // the connection
    std::function<void()> wake_loop;                        // it may be about to wait, longer than a timer of ours
  };
  explicit FaultWriter(Stream stream) : stream_(std::move(stream)) {}

  // One at a time.
  void write(std::string message);
  // A write has ended: whether that was all of the message.
  bool written();

 private:
  struct Later : Timer {
    explicit Later(FaultWriter& w) : Timer([](Timer& t) { static_cast<Later&>(t).writer.on_time(); }), writer(w) {}
    FaultWriter& writer;
  };
  void on_time();
  void break_off();

  Stream stream_;
  std::string held_;   // written when the time has come
  std::string again_;  // written once more
  bool dropped_ = false;
  bool broken_ = false;
  Later later_{*this};
};

}  // namespace tractor
