#include "runtime/version.h"

namespace tractor {

const char* version() { return TRACTOR_VERSION; }

}  // namespace tractor
