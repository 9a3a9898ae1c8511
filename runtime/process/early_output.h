// What a child writes to stderr before it serves: kept, so that the error of a failed start can show it.
//
// The helper thread drains the pipe, so that a talkative child is never blocked by it; any thread may ask.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "runtime/unique_descriptor.h"

namespace tractor {

class EarlyOutput {
 public:
  // The reading end of the pipe, non-blocking.
  explicit EarlyOutput(UniqueDescriptor pipe) : pipe_(std::move(pipe)) {}

  int descriptor() const { return pipe_.get(); }
  // Reads what is there. False at the end of the pipe.
  bool drain();
  // All that was written, or the last 64 KiB of it.
  std::string text();
  // Keeps the text only.
  void close();

 private:
  std::mutex mutex_;
  UniqueDescriptor pipe_;
  std::string text_;
};

}  // namespace tractor
