// Asks an arbiter, or one of several, in the order in which they are named. Loop thread only.
//
// While none of them answers, what was found last is found again, for as long as they are away: it may be out of date,
// and says so (ActorInfo::stale, stale()). An arbiter whose own store is away answers like that, too.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arbiter/find_options.h"
#include "arbiter/ledger_query.h"
#include "runtime/task/clock.h"
#include "runtime/wire/actor_info.h"
#include "runtime/wire/peer.h"

namespace tractor::v1 {
class FindRequest;
}

namespace tractor::arbiter {

class Client {
 public:
  // `addresses`: see parse_addresses().
  Client(const WireContext& wire, const std::string& addresses, std::string actor_namespace);
  ~Client();

  // All that have the labels, newest first; empty when there is none. Every question is a checkpoint. UsageError for
  // what is no valid UTF-8. Throws RemoteActorError that names the arbiter's address when none answers and this was not
  // asked before.
  std::vector<ActorInfo> find(const std::string& name, const FindOptions& options = {});
  // The one that the options say.
  std::optional<ActorInfo> pick(const std::string& name, const FindOptions& options = {});
  // Parks until there is one; also while the arbiter is away.
  ActorInfo wait_for(const std::string& name, const FindOptions& options = {});
  // Everyone. Throws RemoteActorError when no arbiter answers.
  std::vector<ActorInfo> list();

  // Of all arbiters that answer, for each has its own. UsageError for what cannot be asked; throws RemoteActorError
  // when none answers.
  std::vector<LedgerEvent> ledger(const LedgerQuery& query);

  // Whether the last answer may be out of date.
  bool stale() const { return stale_; }
  // Of the arbiter that answered last.
  const std::string& address() const { return addresses_[current_]; }

 private:
  struct Stub;
  struct Remembered {
    std::vector<ActorInfo> actors;
    std::uint64_t used;
  };

  v1::FindRequest request(const std::string& name, const FindOptions& options);
  std::vector<ActorInfo> ask_or_remember(const v1::FindRequest& request);
  std::vector<ActorInfo> ask_find(const v1::FindRequest& request);
  std::vector<ActorInfo> wait_to_find(v1::FindRequest question);
  template <class Request, class Response, class Prepare>
  Response ask(const Request& request, Prepare prepare, Clock::duration timeout);
  template <class Request, class Response, class Prepare>
  Response ask_one(std::size_t index, const Request& request, Prepare prepare, Clock::duration timeout);
  void remember(const std::string& question, const std::vector<ActorInfo>& actors);
  void set_stale(bool stale, const std::string& why);

  const WireContext& wire_;
  std::vector<std::string> addresses_;
  std::string namespace_;
  std::vector<std::unique_ptr<Stub>> stubs_;  // opened when they are first asked
  std::size_t current_ = 0;
  std::map<std::string, Remembered> remembered_;  // by question
  std::uint64_t questions_ = 0;
  bool stale_ = false;
};

}  // namespace tractor::arbiter
