// The store that a command line names. Any thread.
#pragma once

#include <memory>
#include <string>

#include "arbiter/store.h"

namespace tractor::arbiter {

// "memory", or "etcd://host:port,..." (see EtcdStore). UsageError for anything else, and for addresses that do not
// parse.
std::unique_ptr<Store> make_store(const std::string& text, Clock::duration start_timeout);

}  // namespace tractor::arbiter
