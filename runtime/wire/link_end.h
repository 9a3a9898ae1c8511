// What the two ends of a link have in common, as a protocol (proto/tractor/v1/link.proto): the calling one, which
// opened it (calling_end.h), and the serving one (serving_end.h). What carries their messages stands in link_stream.h.
//
// Calls are numbered by the calling end; numbers only grow. Every call ends with one frame: its value or its error.
// Frames for a call that has ended are ignored, for one that was never opened they break the rules, which closes the
// link: receive() throws LinkError, and whoever carries the messages ends the connection and says why. A link that is
// gone is gone: its pending calls fail, each saying whether the other side may have carried it out. Loop thread only.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "runtime/task/condition.h"
#include "runtime/wire/frame.h"
#include "runtime/wire/frame_queue.h"
#include "runtime/wire/item_run.h"

namespace tractor {

// The other end breaks the rules of links, or speaks no version that this one does.
class LinkError : public CallError {
 public:
  using CallError::CallError;
};

[[noreturn]] void link_rule_broken(const std::string& what);

class LinkEnd {
 public:
  // What carries the messages.
  class Carrier {
   public:
    // Frames wait: write take_message() when nothing is being written, before the loop waits at the latest.
    virtual void write_soon() = 0;
    // Whether something is being written.
    virtual bool writing() const = 0;

   protected:
    ~Carrier() = default;
  };
  // Who has gathered items to send: flush() sends them, just before the next message is taken.
  class ItemSource
      : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    virtual void flush() = 0;

   protected:
    ~ItemSource() = default;
  };

  // One frame, arguments or result, has at most so many bytes.
  static constexpr std::size_t kMaxFrameBytes = std::size_t{64} << 20;
  // Calls in flight that the serving end takes.
  static constexpr std::uint32_t kMaxCalls = 65'536;
  // Of frames that come in pieces and are not whole yet: more than a sender that waits for room has under way.
  static constexpr std::size_t kMaxPartial = 3 * kMaxFrameBytes;
  // Who has something to send waits while more than this is queued, of small frames or of pieces of large ones.
  static constexpr std::size_t kMaxQueued = std::size_t{1} << 20;

  LinkEnd(const LinkEnd&) = delete;
  LinkEnd& operator=(const LinkEnd&) = delete;

  // The next message to write; empty when there is none.
  std::string take_message();
  bool has_message() const { return !queue_.empty() || !items_.empty(); }
  // A message has arrived. LinkError when it breaks the rules, or some before it have not.
  void receive(std::string_view message);
  // Who is there; empty before its hello has come.
  const ActorRef& other() const { return other_; }

  // --- for what sends: calls and their items ---
  FrameWriter& writer() { return writer_; }
  // Queues a frame, whatever is queued already. The ticket is FrameQueue's.
  std::uint64_t send(std::uint64_t call, bool reply, std::string_view frame);
  // Sends a cancel ahead of the call's large frames that wait. If the frame that opens the call is not out whole yet,
  // all that waits of the call is withdrawn.
  void send_cancel(std::uint64_t call, std::uint64_t ticket_of_open, const std::string& reason);
  void items_wait(ItemSource& source);
  bool writing() const { return carrier_.writing(); }
  // Park until there is room in the queue, for frames of up to a piece and for larger ones, or nothing can be sent any
  // more.
  void wait_for_small_room();
  void wait_for_large_room();
  bool has_large_room() const { return queue_.large_bytes() <= kMaxQueued; }
  // Writes a frame when there is room for one of its size: parks until then. What was written stands until the next
  // checkpoint.
  template <class F>
  std::string_view write_with_room(F&& write) {
    while (true) {
      wait_for_small_room();
      const std::string_view frame = write();
      if (frame.size() <= FrameQueue::kMaxWhole || has_large_room()) return frame;
      wait_for_large_room();
    }
  }
  // Parks until the other end has introduced itself, or the link is gone.
  void wait_for_hello();
  bool greeted() const { return greeted_; }
  // For the items of each call, at first.
  ItemRoom room_there() const { return room_there_; }
  // Calls in flight that it takes.
  std::uint32_t max_calls_there() const { return max_calls_there_; }

 protected:
  LinkEnd(Carrier& carrier, const ActorRef& self);
  ~LinkEnd() = default;

  virtual void on_frame(const Frame& frame) = 0;
  // The first piece of a large one has come.
  virtual void on_first_piece(std::uint64_t /*call*/) {}
  // Nothing will complete them.
  void forget_pieces(std::uint64_t call);
  const FrameQueue& queue() const { return queue_; }
  // Notified when there is room for frames, or for a call.
  Condition& room() { return room_; }
  // Nothing will be taken any more.
  void stop_sending();

 private:
  bool is_next(std::uint64_t number);
  void take_hello(const Frame& frame);
  void take_chunk(const Frame& frame);

  Carrier& carrier_;
  FrameQueue queue_;
  FrameWriter writer_;
  boost::intrusive::list<ItemSource, boost::intrusive::constant_time_size<false>> items_;
  Condition room_;
  bool stopped_ = false;
  bool greeted_ = false;
  ActorRef other_;
  ItemRoom room_there_;
  std::uint32_t max_calls_there_ = kMaxCalls;
  std::uint64_t received_ = 0;  // messages, when they are numbered
  struct Partial {
    std::string bytes = {};
    std::uint64_t bytes_left = 0;
  };
  std::map<std::uint64_t, Partial> partial_;  // frames that come in pieces, by call
  std::size_t partial_bytes_ = 0;             // that have come of them
};

}  // namespace tractor
