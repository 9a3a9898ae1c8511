// Shared by the SDK's files only.
#pragma once

#include "arbiter/find_options.h"
#include "runtime/wire/actor_info.h"
#include "tractor/portal.h"

namespace tractor {

// What wait_for_actor() makes a portal of.
ActorInfo wait_for_actor_info(const std::string& name, const FindOptions& options);

// To an actor that was found.
Portal portal_to(const ActorInfo& info);

// Closes this process' connection to the arbiter, which find_actor and its kin have opened. Before the runtime goes.
void close_arbiter_client();

}  // namespace tractor
