// What carries a link's messages: a stream of ActorService.Connect, as the caller and as the server see it.
//
// Loop thread only. Nothing here is a task: reads and writes go on as their tags come, one of each in flight. A stream
// lives until gRPC has given back all its tags.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "runtime/wire/call_service.h"
#include "runtime/wire/calling_end.h"
#include "runtime/wire/completion_queue.h"
#include "runtime/wire/peer.h"

namespace tractor {

// A link that this actor has opened. Shared by all portals to one actor; closed when the last one goes.
class Link {
 public:
  // Connects, and sends what is called meanwhile when that is done. Not a checkpoint.
  Link(const WireContext& wire, const std::string& address);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link();

  CallingEnd& calls();

 private:
  friend class Links;
  class Stream;
  std::shared_ptr<Stream> stream_;
};

// The links that this actor has opened, one to each actor at each address: one that is there now is not taken for
// another that was before. Owned by the runtime.
class Links {
 public:
  // `actor_id`: empty for whoever is there.
  std::shared_ptr<Link> to(const WireContext& wire, const std::string& address, const std::string& actor_id);

  // Closes all of them and waits until gRPC has given back their tags, whatever is cancelled: no stream may be left
  // when the completion queue goes, though portals may be.
  void stop();

 private:
  friend class Link;
  std::map<std::pair<std::string, std::string>, std::weak_ptr<Link>> links_;
  std::set<Link::Stream*> open_;
  Condition ended_;
};

// Serves a link that another actor has opened, in the task that took it: until the other side ends it, or the task is
// cancelled; the calls that came over it have ended then, what they had to say is written, and the stream is finished.
// `watch` runs in a task of its own meanwhile.
void serve_link(CompletionQueuePort& port, CallHandler& handler, RawStreamCall& call,
                const std::function<void()>& watch);

}  // namespace tractor
