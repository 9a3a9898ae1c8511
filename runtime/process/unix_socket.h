// The unix sockets on which actors are called. UsageError with a way out. Any thread.
#pragma once

#include <string>

#include "runtime/unique_descriptor.h"

namespace tractor {

// A listening unix socket; what is left at that path from an earlier process is removed first (the caller holds the
// lock that says so).
UniqueDescriptor listen_on_unix_socket(const std::string& path);
// Whether someone accepts connections there.
bool unix_socket_answers(const std::string& path);

}  // namespace tractor
