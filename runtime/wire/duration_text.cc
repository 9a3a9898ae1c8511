#include "runtime/wire/duration_text.h"

#include "absl/time/time.h"

namespace tractor {

std::string duration_text(Clock::duration duration) { return absl::FormatDuration(absl::FromChrono(duration)); }

}  // namespace tractor
