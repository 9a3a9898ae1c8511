// What can be registered and asked for, whoever asks: other languages' programs call an arbiter, too. Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/task/clock.h"
#include "runtime/wire/actor_info.h"
#include "runtime/wire/address.h"

namespace tractor::arbiter {

// Of what goes over an ArbiterService.Register stream.
inline constexpr std::uint32_t kRegistrationVersion = 1;

// UsageError that names what is wrong with it: an actor has a name and an id, of at most 255 bytes without control
// characters, and addresses that parse, one at least; labels are no longer either.
void check_actor(const ActorInfo& actor);
// The same for a namespace, of which the empty one is the default, and the id of a tree.
void check_namespace(const std::string& actor_namespace);
void check_tree_id(const std::string& tree_id);
// For an address that others are to connect to; `what` begins the error.
void check_has_port(const Address& address, const std::string& what);

inline constexpr Clock::duration kDefaultTtl = std::chrono::seconds(15);
// UsageError unless it is from 1 s to a day: less than a lost heartbeat is no sign of death, and who is gone must not
// be found for longer.
void check_ttl(Clock::duration ttl);

}  // namespace tractor::arbiter
