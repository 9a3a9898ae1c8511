// Which release this is. Any thread.
#pragma once

namespace tractor {

// "0.1.0", as CMakeLists.txt says.
const char* version();

}  // namespace tractor
