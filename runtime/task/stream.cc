#include "runtime/task/stream.h"

#include <string>

namespace tractor {

Lagged::Lagged(std::uint64_t missed)
    : Error("this subscriber was too slow: it has missed " + std::to_string(missed) +
            (missed == 1 ? " item" : " items")),
      missed_(missed) {}

}  // namespace tractor
