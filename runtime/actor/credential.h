// The credential for TCP: a secret token in a file that only its user may read. Any thread.
#pragma once

#include <string>

namespace tractor {

// The token, without white space around it. UsageError when the file cannot be read, is empty, or may be read by
// others.
std::string read_credential(const std::string& path);

}  // namespace tractor
