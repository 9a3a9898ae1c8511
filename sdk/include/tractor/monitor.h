// Monitors: being told once when another actor is gone, and why.
//
//   auto [send, receive] = tractor::open_memory_channel<tractor::Down>(1);
//   const tractor::Monitor watching = portal.monitor(std::move(send));
//   for (const tractor::Down& down : receive)  // one, then the channel ends
//     std::cout << down.actor.name << ": " << to_string(down.reason) << '\n';
//
// Each monitor gives exactly one notice, also when the actor is gone already, unless it goes first: its destructor ends
// the watching. What became of a child of this actor is known from its process; of any other actor from the link to it:
// an ordered end says so, anything else is `unreachable`. A monitor is a task of its own that cancellation does not
// reach: it is for what must be told although a nursery around it is being cancelled, because of that very end perhaps;
// keep the handle outside of that nursery's body. Loop thread only. Common mistake: a
// callback that destroys its own monitor, and so waits for itself.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>

#include "runtime/task/background_task.h"
#include "runtime/task/memory_channel.h"
#include "runtime/wire/remote_error.h"
#include "tractor/portal.h"

namespace tractor {

struct Down {
  enum class Reason {
    ended,        // its function returned; of an actor elsewhere: it ended in order
    cancelled,    // it was asked to end: `cancelled_by`
    error,        // it failed: `error`
    killed,       // by `signal`
    unreachable,  // the link to it is gone: `error` says what is known
  };
  ActorRef actor = {};
  Reason reason = Reason::ended;
  std::string cancelled_by = {};  // "gretchen@91bc"
  int signal = 0;                 // 0: none
  std::exception_ptr error = {};  // of error, killed and unreachable; a RemoteActorError
};

// "ended", "cancelled", ...
std::string to_string(Down::Reason reason);

// Made by Portal::monitor: with a callback, which runs as a task and may wait (the destructor of the monitor cancels it
// then), or with an end of a memory channel, which is closed after the notice. UsageError when the actor is this one.
class Monitor {
 public:
  Monitor(Monitor&&) noexcept = default;
  Monitor& operator=(Monitor&&) noexcept = default;
  ~Monitor() = default;

  // Ends the watching, and throws what the callback threw; without it that goes to the log, and to the innermost
  // nursery. Idempotent.
  void close();

 private:
  friend class Portal;
  Monitor(std::shared_ptr<Peer> peer, std::shared_ptr<Child> child, std::function<void(const Down&)> callback);

  std::unique_ptr<BackgroundTask> task_;
};

}  // namespace tractor
