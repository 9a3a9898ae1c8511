// The two ends of a link, as a protocol: the calling one, which opened it, and the serving one
// (proto/tractor/v1/link.proto). What carries their messages stands in link_stream.h.
//
// Loop thread only. Calls are numbered by the calling end; numbers only grow. Every call ends with one frame: its value
// or its error. Frames for a call that has ended are ignored, for one that was never opened they break the rules, which
// closes the link: receive() throws LinkError, and whoever carries the messages ends the connection and says why. A
// link that is gone is gone: its pending calls fail, each saying whether the other side may have carried it out.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <functional>
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
  // Tells the other end that a call is cancelled, before what waits of it; what opens it and is not whole there yet
  // does not follow.
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

// How a call over a link ended.
struct CallOutcome {
  std::optional<Value> value = {};  // it returned
  ErrorInfo error = {};             // else
  bool answered = false;            // by the other end, rather than by the end of the link
  bool cancelled = false;           // this task was, meanwhile
  bool acknowledged = false;        // the other end has taken that it is to end
  bool given_up = false;            // and did not in time, or has not ended it in time
};

class LinkItems;
class OutgoingCall;

class CallingEnd final : public LinkEnd {
 public:
  CallingEnd(Carrier& carrier, const ActorRef& self) : LinkEnd(carrier, self) {}

  // Opens a call and waits for its end, whatever is cancelled: a checkpoint that throws Cancelled only before anything
  // is sent. When the task is cancelled, so is the call.
  CallOutcome call(const CallRequest& request, Clock::duration patience);

  // The link is gone: all calls fail with this, now and later.
  void break_off(ErrorInfo why);
  bool broken() const { return broken_; }
  // Why no call is taken any more: it is broken, or the other end is going.
  const std::optional<ErrorInfo>& refusal() const { return refusal_; }
  // Whether the other end has said that it ends.
  bool said_goodbye() const { return said_goodbye_; }
  // Parks until the link is gone.
  void wait_for_break();

 private:
  friend class OutgoingCall;
  void on_frame(const Frame& frame) override;
  void on_first_piece(std::uint64_t call) override;
  // Writes the frame that opens a call when there is room for both: parks until then.
  std::string_view write_open(const CallRequest& request);
  bool has_room_for_call() const { return refusal_ || calls_.size() < max_calls_there(); }

  std::unordered_map<std::uint64_t, OutgoingCall*> calls_;
  std::uint64_t last_call_ = 0;
  bool broken_ = false;
  bool said_goodbye_ = false;
  std::optional<ErrorInfo> refusal_;  // of calls that are opened from now on: it is broken, or the other end is going
};

// A call that this end opens; stays where it is, and until it has ended.
class OutgoingCall {
 public:
  // Opens it: a checkpoint only if the link has no room. Throws CallError for arguments that cannot travel (nothing is
  // sent then). Without acknowledgement of a cancel within `patience` it is given up. request.function outlives it.
  OutgoingCall(CallingEnd& link, const CallRequest& request, Clock::duration patience);
  OutgoingCall(const OutgoingCall&) = delete;
  OutgoingCall& operator=(const OutgoingCall&) = delete;
  ~OutgoingCall();

  // Parks until it has ended, whatever is cancelled; cancelling the task cancels the call.
  void wait_or_cancel();
  // Asks for its end. Not a checkpoint.
  void cancel(const std::string& reason);
  // Ends it here, whatever becomes of it there.
  void give_up();
  bool cancel_asked() const { return cancel_asked_; }

  bool ended() const { return ended_; }
  // Once it has ended.
  CallOutcome& outcome() { return outcome_; }
  // Notified when it has ended, or has started.
  Condition& changed() { return changed_; }
  void on_end(std::function<void()> told) { on_end_ = std::move(told); }
  // Of a request with room for items, else null.
  LinkItems* items() { return items_.get(); }
  const std::optional<Value>& started_with() const { return started_with_; }

 private:
  friend class CallingEnd;
  struct GiveUp : Timer {
    explicit GiveUp(OutgoingCall& c);
    OutgoingCall& call;
  };
  void on_frame(const Frame& frame);
  void lose(const ErrorInfo& why, bool executed);
  void end();

  CallingEnd& link_;
  const std::string& function_;
  const Clock::duration patience_;
  std::uint64_t number_ = 0;
  std::uint64_t ticket_ = 0;
  CallOutcome outcome_;
  std::unique_ptr<LinkItems> items_;
  std::optional<Value> started_with_;
  Waiter* waiter_ = nullptr;
  Condition changed_;
  std::function<void()> on_end_;
  GiveUp give_up_{*this};
  bool cancel_asked_ = false;
  bool ended_ = false;
};

class ServingEnd final : public LinkEnd {
 public:
  // Calls run in tasks of `calls`, until close().
  ServingEnd(Carrier& carrier, CallHandler& handler, TaskNursery& calls)
      : LinkEnd(carrier, handler.self()), handler_(handler), nursery_(&calls) {}

  // The actor is ending: asks for no more calls. Those that come nevertheless are served while the nursery is open.
  void go_away();
  // Right after the nursery has ended. Calls that come now are told that the actor shuts down.
  void close() { nursery_ = nullptr; }
  // Nobody reads any more.
  void break_off() { stop_sending(); }
  // After all calls were cancelled: nobody sends or takes items any more, which is told who waits for that all the
  // same.
  void end_items();

 private:
  struct Call;
  void on_frame(const Frame& frame) override;
  void on_first_piece(std::uint64_t call) override;
  void open(std::uint64_t number, std::string_view body);
  void cancel_before_it_opens(std::uint64_t number);
  void serve(std::uint64_t number, Call& call);
  // Its terminal frame.
  void finish(std::uint64_t number, std::string_view frame);
  void fail(std::uint64_t number, const ErrorInfo& error);

  CallHandler& handler_;
  TaskNursery* nursery_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Call>> calls_;
  std::uint64_t last_call_ = 0;
  std::set<std::uint64_t> opening_;  // whose first pieces have come, and not all
};

}  // namespace tractor
