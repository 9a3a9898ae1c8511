// Shared by the SDK's files only.
#pragma once

namespace tractor {

// Closes this process' connection to the arbiter, which find_actor and its kin have opened. Before the runtime goes.
void close_arbiter_client();

}  // namespace tractor
