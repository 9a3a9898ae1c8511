// Which actors of a name are meant. Plain data, any thread.
#pragma once

#include <map>
#include <string>

namespace tractor {

// Which one of several.
enum class Pick {
  newest,
  random,
  round_robin,   // one after the other, over all who ask this arbiter for the name
  least_loaded,  // the fewest calls in flight, as reported a second ago or so; round robin among equals
};

struct FindOptions {
  std::map<std::string, std::string> labels = {};  // all must match
  Pick pick = Pick::newest;                        // where one is asked for
};

}  // namespace tractor
