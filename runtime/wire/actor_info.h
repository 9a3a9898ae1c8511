// An actor as the arbiter lists it. Plain data, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tractor {

struct ActorInfo {
  std::string name = {};                    // need not be unique
  std::string id = {};                      // is
  std::uint64_t incarnation = 0;            // grows with every start on its host
  std::vector<std::string> addresses = {};  // "unix:/path", "host:port"; best first
  std::vector<std::string> modules = {};    // that others may call
  std::map<std::string, std::string> labels = {};
  std::string host = {};
  std::int64_t pid = 0;
  std::uint32_t calls_in_flight = 0;  // that it serves, as last reported, a second ago or so
  bool exclusive = false;             // nobody else has claimed its name (RunOptions::exclusive_name)
  bool stale = false;                 // the arbiter, or its store, is away: this is what was known of it before

  bool operator==(const ActorInfo&) const = default;
};

}  // namespace tractor
