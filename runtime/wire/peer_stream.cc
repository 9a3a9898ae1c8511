// Calls of generators and dialogs, as their callers see them.
#include "runtime/wire/completion_queue.h"
#include "runtime/wire/error_info.h"
#include "runtime/wire/identity.h"
#include "runtime/wire/link_items.h"
#include "runtime/wire/link_stream.h"
#include "runtime/wire/peer.h"

namespace tractor {

class Peer::Stream final : public RemoteStream {
 public:
  Stream(std::shared_ptr<Peer> peer, std::string function, Arguments arguments, ItemRoom room)
      : peer_(std::move(peer)),
        request_(peer_->request_for(std::move(function), std::move(arguments))),
        in_flight_(*peer_),
        link_(peer_->link()),
        call_(link_->calls(), completed(request_, room), peer_->wire().unacknowledged_after) {
    request_.arguments = {};
  }

  ~Stream() override {
    try {
      close();
    } catch (...) {
      report_error(std::current_exception());
    }
  }

  void send(const Value& item) override {
    if (call_.ended()) throw_failure();
    try {
      items().send(item);
    } catch (const BrokenError&) {
      throw_failure();
      throw;
    }
  }
  std::optional<Value> receive() override {
    std::optional<Value> item = items().receive();
    if (!item && call_.ended()) throw_failure();
    return item;
  }
  void close_send() override { items().close_send(); }

  Value started() override {
    call_.changed().wait_until("a function to have started", [this] { return call_.started_with() || call_.ended(); });
    if (!call_.started_with()) throw_failure();
    return call_.started_with().value_or(Value());
  }
  Value result() override {
    close_send();
    items().discard();
    call_.changed().wait_until("the result of a dialog", [this] { return call_.ended(); });
    throw_failure();
    return *call_.outcome().value;
  }

  void close() override {
    if (!call_.ended()) {
      cancel("");
      items().discard();
      CancelScope({.deadline = deadline_after(kStreamEnds), .shield = true}).run([this] {
        call_.changed().wait_until("a stream to end", [this] { return call_.ended(); });
      });
      if (!call_.ended()) call_.give_up();
    }
    const CallOutcome& outcome = call_.outcome();
    if (outcome.value || told_) return;
    // What was asked to end has ended: this call, or an actor of ours.
    if (peer_->is_ending() && (!outcome.answered || peer_->was_ended(outcome))) return;
    if (call_.cancel_asked() && peer_->was_ended(outcome)) return;
    if (!outcome.answered && !outcome.given_up && peer_->owner_) return;  // the owner is told what became of the actor
    rethrow_failure();
  }

  void cancel(const std::string& reason) override { call_.cancel(reason); }
  const std::string& call_id() const override { return request_.call_id; }
  void on_end(std::function<void(std::exception_ptr)> told) override {
    on_end_ = std::move(told);
    if (call_.ended()) return tell_end();
    call_.on_end([this] { tell_end(); });
  }

 private:
  static const CallRequest& completed(CallRequest& request, ItemRoom room) {
    request.call_id = random_id();
    request.timeout.reset();  // it may outlive the scope that it is opened in; whoever reads it ends it
    request.item_room = room;
    return request;
  }
  // Throws what the call failed with, always the same; returns when it has not failed.
  void throw_failure() {
    const CallOutcome& outcome = call_.outcome();
    if (outcome.value) return;
    checkpoint();
    rethrow_failure();
  }
  [[noreturn]] void rethrow_failure() {
    if (failure_ == nullptr) failure_ = peer_->failure(call_.outcome(), request_.function);
    told_ = true;
    std::rethrow_exception(failure_);
  }
  void tell_end() {
    const CallOutcome& outcome = call_.outcome();
    const bool failed = outcome.answered && !outcome.value && !(call_.cancel_asked() && peer_->was_ended(outcome));
    if (failed && failure_ == nullptr) failure_ = exception_for(outcome.error);
    told_ = told_ || failed;
    on_end_(failed ? failure_ : nullptr);
  }
  LinkItems& items() { return *call_.items(); }

  const std::shared_ptr<Peer> peer_;
  CallRequest request_;
  const InFlight in_flight_;
  const std::shared_ptr<Link> link_;
  OutgoingCall call_;
  std::exception_ptr failure_;
  bool told_ = false;
  std::function<void(std::exception_ptr)> on_end_;
};

std::unique_ptr<RemoteStream> Peer::open_stream(std::string function, Arguments arguments, ItemRoom room) {
  return std::make_unique<Stream>(shared_from_this(), std::move(function), std::move(arguments), room);
}

}  // namespace tractor
