// The two ends of a link, as a protocol: the calling one, which opened it, and the serving one
// (proto/tractor/v1/link.proto). What carries their messages stands in link_stream.h.
//
// Loop thread only. Calls are numbered by the calling end; numbers only grow. Every call ends with one frame: its value
// or its error. Frames for a call that has ended are ignored, for one that was never opened they break the rules, which
// closes the link: receive() throws LinkError, and whoever carries the messages ends the connection and says why. A
// link that is gone is gone: its pending calls fail, each saying whether the other side may have carried it out.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "runtime/task/condition.h"
#include "runtime/task/task_nursery.h"
#include "runtime/wire/call_handler.h"
#include "runtime/wire/frame.h"
#include "runtime/wire/frame_queue.h"

namespace tractor {

// The other end breaks the rules of links, or speaks no version that this one does.
class LinkError : public CallError {
 public:
  using CallError::CallError;
};

class LinkEnd {
 public:
  // What carries the messages.
  class Carrier {
   public:
    // Frames wait: write take_message() when nothing is being written, before the loop waits at the latest.
    virtual void write_soon() = 0;

   protected:
    ~Carrier() = default;
  };

  // One frame, arguments or result, has at most so many bytes.
  static constexpr std::size_t kMaxFrameBytes = std::size_t{64} << 20;
  // Calls in flight that the serving end takes.
  static constexpr std::uint32_t kMaxCalls = 65'536;
  // Who has something to send waits while more than this is queued, of small frames or of pieces of large ones.
  static constexpr std::size_t kMaxQueued = std::size_t{1} << 20;

  LinkEnd(const LinkEnd&) = delete;
  LinkEnd& operator=(const LinkEnd&) = delete;

  // The next message to write; empty when there is none.
  std::string take_message();
  bool has_message() const { return !queue_.empty(); }
  // A message has arrived. LinkError when it breaks the rules.
  void receive(std::string_view message);
  // Who is there; empty before its hello has come.
  const ActorRef& other() const { return other_; }

 protected:
  LinkEnd(Carrier& carrier, const ActorRef& self);
  ~LinkEnd() = default;

  virtual void on_frame(const Frame& frame) = 0;
  // The first piece of a large one has come.
  virtual void on_first_piece(std::uint64_t /*call*/) {}

  // Writes a frame when there is room for one of its size: parks until then. What was written stands until the next
  // checkpoint.
  template <class F>
  std::string_view write_with_room(F&& write) {
    while (true) {
      wait_for_room([this] { return queue_.small_bytes(); });
      const std::string_view frame = write();
      if (frame.size() <= FrameQueue::kPiece || queue_.large_bytes() <= kMaxQueued) return frame;
      wait_for_room([this] { return queue_.large_bytes(); });
    }
  }
  std::uint64_t send(std::uint64_t call, bool reply, std::string_view frame);
  FrameQueue& queue() { return queue_; }
  FrameWriter& writer() { return writer_; }
  // Nothing will be taken any more.
  void stop_sending();

 private:
  template <class F>
  void wait_for_room(F&& bytes) {
    room_.wait_until("room on a link", [&] { return stopped_ || bytes() <= kMaxQueued; });
  }
  void take_hello(const Frame& frame);
  void take_chunk(const Frame& frame);

  Carrier& carrier_;
  FrameQueue queue_;
  FrameWriter writer_;
  Condition room_;
  bool stopped_ = false;
  bool greeted_ = false;
  ActorRef other_;
  std::map<std::uint64_t, std::string> partial_;  // frames that come in pieces, by call
};

// How a call over a link ended.
struct CallOutcome {
  std::optional<Value> value = {};  // it returned
  ErrorInfo error = {};             // else
  bool answered = false;            // by the other end, rather than by the end of the link
  bool cancelled = false;           // this task was, meanwhile
  bool given_up = false;            // and nobody acknowledged that in time
};

class CallingEnd final : public LinkEnd {
 public:
  CallingEnd(Carrier& carrier, const ActorRef& self) : LinkEnd(carrier, self) {}

  // Opens a call and waits for its end, whatever is cancelled: a checkpoint that throws Cancelled only before anything
  // is sent. When the task is cancelled, so is the call; without acknowledgement within `patience` it is given up.
  // Throws CallError for arguments that cannot travel (nothing is sent then).
  CallOutcome call(const CallRequest& request, Clock::duration patience);

  // The link is gone: all calls fail with this, now and later.
  void break_off(ErrorInfo why);
  bool broken() const { return broken_.has_value(); }

 private:
  struct Pending;
  void on_frame(const Frame& frame) override;
  void cancel(Pending& call, Clock::duration patience);
  void end(Pending& call);
  ErrorInfo lost(const ErrorInfo& why, bool executed) const;

  std::unordered_map<std::uint64_t, Pending*> calls_;
  std::uint64_t last_call_ = 0;
  std::optional<ErrorInfo> broken_;
};

class ServingEnd final : public LinkEnd {
 public:
  // Calls run in tasks of `calls`, until close().
  ServingEnd(Carrier& carrier, CallHandler& handler, TaskNursery& calls)
      : LinkEnd(carrier, handler.self()), handler_(handler), nursery_(&calls) {}

  // Right after the nursery has ended. Calls that come now are told that the actor shuts down.
  void close() { nursery_ = nullptr; }
  // Nobody reads any more.
  void break_off() { stop_sending(); }

 private:
  struct Call;
  void on_frame(const Frame& frame) override;
  void on_first_piece(std::uint64_t call) override;
  void open(std::uint64_t number, std::string_view body);
  void serve(std::uint64_t number, Call& call);
  void refuse(std::uint64_t number, const std::exception_ptr& error);

  CallHandler& handler_;
  TaskNursery* nursery_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Call>> calls_;
  std::uint64_t last_call_ = 0;
  std::set<std::uint64_t> opening_;  // whose first pieces have come
};

}  // namespace tractor
