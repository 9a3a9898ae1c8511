#include "tractor/supervisor.h"

#include <algorithm>

#include "runtime/process/child.h"

namespace tractor {
namespace {

// What a child that may take as long as it likes is told: less than what would overflow a deadline.
constexpr Clock::duration kTenYears = std::chrono::hours(24 * 3650);

}  // namespace

SupervisedSpec Supervisor::spec(std::string name, ChildOptions options) {
  const Clock::duration by_default = options.type == ChildType::supervisor ? kUntilItEnds : kDefaultBudget;
  return {.child = {.name = std::move(name),
                    .modules = options.modules.get(),
                    .statespace = std::move(options.statespace),
                    .labels = std::move(options.labels),
                    .budget = std::min(options.shutdown.value_or(by_default), kTenYears)},
          .restart = options.restart,
          .significant = options.significant,
          .type = options.type};
}

Portal Supervisor::portal_of(const std::shared_ptr<Child>& child) { return {child->peer(), child}; }

}  // namespace tractor
