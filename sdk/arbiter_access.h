// Shared by the SDK's files only.
#pragma once

#include "tractor/portal.h"

namespace tractor {

// To an actor that was found.
Portal portal_to(const ActorInfo& info);

// Closes this process' connection to the arbiter, which find_actor and its kin have opened. Before the runtime goes.
void close_arbiter_client();

}  // namespace tractor
