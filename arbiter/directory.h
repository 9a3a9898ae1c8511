// A copy of what an arbiter knows of one namespace, kept up to date by its Watch: to find someone there costs no
// question. Loop thread only.
//
// It begins with a snapshot, and again with one after the arbiter was away, or at the next one of several; meanwhile it
// stays as it was, and is stale.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "arbiter/view.h"
#include "runtime/task/condition.h"
#include "runtime/wire/peer.h"

namespace tractor::arbiter {

class Directory {
 public:
  // `addresses`: see parse_addresses().
  Directory(const WireContext& wire, const std::string& addresses, std::string actor_namespace);

  // Follows until it is cancelled. UsageError or RemoteActorError for what will not be better at the next try.
  void follow();

  // Empty until the first snapshot is there.
  View& view() { return view_; }
  const std::string& actor_namespace() const { return namespace_; }
  bool complete() const { return complete_; }
  // No arbiter tells of changes.
  bool stale() const { return stale_; }
  // Notified with every change of the above.
  Condition& changed() { return changed_; }

 private:
  // Until the stream ends, which it describes.
  std::string follow_one(const std::string& address);

  const WireContext& wire_;
  std::vector<std::string> addresses_;
  std::string namespace_;
  View view_{0};
  bool complete_ = false;
  bool stale_ = true;
  int failures_ = 0;  // in a row
  Condition changed_;
};

}  // namespace tractor::arbiter
