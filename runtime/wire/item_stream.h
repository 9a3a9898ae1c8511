// The items of one call, both ways, without their types: what generators, dialogs and their callers are written on.
//
// Loop thread only. Several tasks may send, one at a time receives.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <string>

#include "runtime/wire/value.h"

namespace tractor {

class ItemStream {
 public:
  // Sends an item when the other side has room for it; waits until then. A checkpoint. Throws ClosedError after
  // close_send(), BrokenError when the call has ended, CallError for what cannot travel.
  virtual void send(const Value& item) = 0;
  // The next item; waits for it, empty at the end and ever after. A checkpoint; when it throws Cancelled, no item is
  // lost.
  virtual std::optional<Value> receive() = 0;
  // Sends no more; receiving goes on. Idempotent, not a checkpoint.
  virtual void close_send() = 0;

 protected:
  ~ItemStream() = default;
};

// As the function sees it that serves the call; lives until that returns.
class ServedStream : public ItemStream {
 public:
  // Tells the caller, once, that the function is up. UsageError the second time. Not a checkpoint.
  virtual void started(const Value& value) = 0;

 protected:
  ~ServedStream() = default;
};

// As the caller sees it. Its destructor is close(), but what that throws goes to the log and to the innermost open
// nursery.
class RemoteStream : public ItemStream {
 public:
  virtual ~RemoteStream() = default;
  // These three throw what the function failed with; receive() does, too, after the last item, and send().
  // What the function gave to started(); null when it has sent an item or returned without. A checkpoint.
  virtual Value started() = 0;
  // Sends no more, drops what has not been received, and waits for what the function returns. A checkpoint.
  virtual Value result() = 0;
  // Cancels the function, unless it has ended, and waits until it has, whatever is cancelled here. Nothing that was
  // thrown before is thrown again.
  virtual void close() = 0;

  // Asks for the function to be cancelled: who waits for it is told RemoteCancelled. Not a checkpoint.
  virtual void cancel(const std::string& reason) = 0;
  virtual const std::string& call_id() const = 0;
  // `told` is called on the loop when the function has ended: with null, or what it failed with.
  virtual void on_end(std::function<void(std::exception_ptr)> told) = 0;
};

}  // namespace tractor
