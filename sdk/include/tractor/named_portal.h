// A portal to a name: it finds who has the name, and when that actor is gone its successor, such as a supervised one's
// next incarnation.
//
//   tractor::NamedPortal store("store");
//   store.run(put, "key", 1);  // finds it first, and waits while there is none
//   store.run(get, "key");     // the same actor, without asking again, or its successor
//
// In any process, whoever started the actor. It stays with the actor that it has found until the connection to that
// breaks, or a call says that it is not there any more; then the arbiter is asked. A call that has surely not been
// executed for such a reason goes to the next one, however long it takes until there is one: bound it with fail_after.
// One that may have been executed throws, as with a Portal, and only the next call goes to the successor. A handle,
// cheap to copy; loop thread only; may be a static. What asks the arbiter or calls is a checkpoint, and throws what
// wait_for_actor() and Portal throw. In a supervisor's own body Supervisor::portal(name) does more: it knows when a
// child will not come back.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "arbiter/find_options.h"
#include "runtime/task/clock.h"
#include "runtime/wire/remote_error.h"
#include "tractor/portal.h"

namespace tractor {

class NamedPortal {
 public:
  // Asks nobody yet. Of several actors with that name `options` choose, each time that one is looked for.
  explicit NamedPortal(std::string name, FindOptions options = {});

  // As Portal::run. A stream is one actor's, and ends with it.
  template <detail::ActorFunction F = detail::OverloadSet, class... A>
  auto run(F function, const A&... arguments) {
    return call([&](Portal& actor) { return actor.run(function, arguments...); });
  }
  template <class R = Value, Argument... A>
  R run(std::string_view function, const A&... arguments) {
    return call([&](Portal& actor) { return actor.run<R>(function, arguments...); });
  }
  template <class R = Value>
  R run(std::string_view function, std::initializer_list<NamedArgument> arguments) {
    return call([&](Portal& actor) { return actor.run<R>(function, arguments); });
  }

  // To that actor, for dialogs and all else.
  Portal portal();

  const std::string& name() const { return name_; }

 private:
  // One call's search.
  class Attempts {
   public:
    explicit Attempts(NamedPortal& named) : named_(named) {}
    Portal next();
    // Whether the call that failed so is to be made again.
    bool again(const RemoteActorError& why);

   private:
    NamedPortal& named_;
    std::string tried_ = {};  // an actor's id
    Clock::duration pause_ = {};
    bool told_ = false;
  };

  template <class F>
  auto call(F&& call) {
    for (Attempts attempts(*this);;) {
      Portal actor = attempts.next();
      try {
        return call(actor);
      } catch (const RemoteActorError& why) {
        if (!attempts.again(why)) throw;
      }
    }
  }

  std::string name_;
  FindOptions options_;
  std::shared_ptr<Peer> known_;  // whom it found last
};

}  // namespace tractor
