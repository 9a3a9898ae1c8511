// The end of a link that opened it, and the calls that it opens (link_end.h). Loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "runtime/task/condition.h"
#include "runtime/wire/link_end.h"

namespace tractor {

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

}  // namespace tractor
