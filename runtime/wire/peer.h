// A peer: another actor as seen from here, and the calls to it.
//
// Owned by portals through shared pointers; loop thread only. Calls go over a link (link_end.h), which is opened at the
// first one and shared by all peers of one actor; what is asked seldom are gRPC calls of their own. Calls to
// this actor itself are local.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/task/clock.h"
#include "runtime/wire/actor_description.h"
#include "runtime/wire/address.h"
#include "runtime/wire/item_room.h"
#include "runtime/wire/item_stream.h"
#include "runtime/wire/remote_error.h"
#include "runtime/wire/value.h"

namespace grpc {
class Channel;
class ClientContext;
}  // namespace grpc

namespace tractor {

class CallHandler;
class CompletionQueuePort;
class Link;
class Links;
class RemoteStream;
struct CallOutcome;
struct CallRequest;

// What every connection of this process needs to know. Owned by the runtime; outlives all peers.
struct WireContext {
  ActorRef self = {};
  CompletionQueuePort* port = nullptr;
  Links* links = nullptr;
  CallHandler* calls = nullptr;   // carries out calls to this actor itself
  std::string bearer_token = {};  // sent over TCP; empty: none
  Clock::duration unreachable_after = kUnreachableAfter;
  // How long a callee has to acknowledge a cancel before the call is given up.
  Clock::duration unacknowledged_after = kUnacknowledgedAfter;
  // Set when all this has gone; portals may be kept beyond that.
  std::shared_ptr<bool> ended = std::make_shared<bool>(false);
};

// How long something that should be there already (a local service, the arbiter) has to answer a first request.
inline constexpr Clock::duration kConnectTimeout = std::chrono::seconds(5);

// A gRPC channel with the settings all of ours have: no proxy, no retries, one message at most kMaxMessageBytes.
std::shared_ptr<grpc::Channel> open_channel(const std::string& address,
                                            Clock::duration unreachable_after = kUnreachableAfter);
// The same on a connected socket, which it owns from now on.
std::shared_ptr<grpc::Channel> open_channel_on(int descriptor);
inline constexpr int kMaxMessageBytes = 64 << 20;
// How long the destructor of a stream or a dialog waits for the end of the other side: more than an actor has by
// default to end as a whole.
inline constexpr Clock::duration kStreamEnds = std::chrono::seconds(10);
// The metadata that has the sender's HybridClock, in decimal digits.
inline constexpr const char* kClockKey = "tractor-clock";
// Of a link: the caller asks for signs of life ten times in so many milliseconds.
inline constexpr const char* kUnreachableAfterKey = "tractor-unreachable-after-ms";

// Adds what a server at `address` asks for, the bearer token, over TCP; and what its clock is to go on from.
void add_metadata(grpc::ClientContext& context, const WireContext& wire, const std::string& address);

// How it became known that an actor is gone.
struct PeerEnd {
  bool said_goodbye = false;  // it ended as it was asked to
  ErrorInfo error = {};       // else
};

class Peer : public std::enable_shared_from_this<Peer> {
 public:
  // `addresses`: where the actor serves, best first. The first that can be reached from here is used: a unix socket
  // only where its path exists on this machine.
  Peer(const WireContext& wire, ActorRef actor, std::vector<std::string> addresses);
  ~Peer();

  // Calls "module.function" and waits for its value: a checkpoint. Throws what the callee threw (RemoteActorError),
  // RemoteCancelled when someone else cancelled the call.
  //
  // When the calling task is cancelled, or its deadline passes, the remote task is cancelled, and the call ends when
  // that task has ended; Cancelled is thrown then, unless the callee ended with a value or an error of its own. A
  // callee that does not acknowledge the cancel within unacknowledged_after is given up.
  //
  // A call that a breaking link has not carried is tried once more, on a new one.
  Value invoke(const std::string& function, Arguments arguments);

  // Opens a call of a generator or a dialog; a checkpoint only if the link has no room. What is wrong with the call is
  // told by the stream. `room`: for items that are not received yet.
  std::unique_ptr<RemoteStream> open_stream(std::string function, Arguments arguments, ItemRoom room);

  // What can be called there. A checkpoint.
  ActorDescription describe();

  // Cancels a call in flight there, by the id its caller chose. Whether there was one. A checkpoint.
  bool cancel_call(const std::string& call_id, const std::string& reason);
  // Asks the actor to end itself within `budget`. Whether it is (still) that actor. A checkpoint.
  bool cancel_actor(Clock::duration budget, const std::string& reason);

  // Parks until the actor is gone, or cannot be reached: until the link to it breaks.
  PeerEnd wait_end();

  // Whether its connection is gone, or going, or the run of the program is over: a call needs another one, if it works
  // at all.
  bool lost() const;

  const ActorRef& actor() const { return actor_; }
  const std::vector<std::string>& addresses() const { return addresses_; }
  // The one in use.
  const std::string& address() const { return address_; }
  std::uint64_t calls_started() const { return calls_started_; }
  int calls_in_flight() const { return calls_in_flight_; }

  // What the actor's owner knows of it, when that is us.
  struct Owner {
    // Asked when a call failed UNAVAILABLE, in the calling task: what became of the actor. When it has failed, that is
    // always the same object: a nursery that gets it from a call and from the child has it once. When it was asked to
    // end it is `failure`, which says so then; null when it is not known what became of it.
    std::function<std::exception_ptr(ErrorInfo failure)> post_mortem;
    // Whether we are ending it: a cancelled call to it ends with it, and there is nothing unknown about that.
    std::function<bool()> is_ending;
  };
  void set_owner(Owner owner) { owner_ = std::move(owner); }

 private:
  struct Stubs;
  class Stream;

  // Counts a call while it lives.
  struct InFlight {
    explicit InFlight(Peer& p) : peer(p) { ++peer.calls_in_flight_; }
    ~InFlight() { --peer.calls_in_flight_; }
    Peer& peer;
  };

  // UsageError when the run of the program that this is of has ended.
  const WireContext& wire() const;
  CallRequest request_for(std::string function, Arguments arguments);
  std::shared_ptr<Link> link();
  Value invoke_here(CallRequest request);
  // Of a call that this side has cancelled: whether the other side says that it ended the call, or that the whole actor
  // ended meanwhile.
  bool was_ended(const CallOutcome& outcome) const;
  // Whether it is that the caller's deadline has passed, as the actor found.
  bool is_deadline(const ErrorInfo& error, Clock::time_point deadline) const;
  bool is_ending() const { return owner_ && owner_->is_ending(); }
  // What to throw for a call that failed; may wait until it is known what became of the actor.
  std::exception_ptr failure(const CallOutcome& outcome, const std::string& function);

  const WireContext& wire_;
  std::shared_ptr<bool> run_ended_;
  ActorRef actor_;
  std::vector<std::string> addresses_;
  std::string address_;
  std::unique_ptr<Stubs> stubs_;
  std::shared_ptr<Link> link_;
  std::optional<Owner> owner_;
  std::uint64_t calls_started_ = 0;
  int calls_in_flight_ = 0;
};

}  // namespace tractor
