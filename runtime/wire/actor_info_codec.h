// ActorInfo to and from its wire form. Any thread.
#pragma once

#include "runtime/wire/actor_info.h"
#include "tractor/v1/arbiter.pb.h"

namespace tractor {

v1::Registration encode(const ActorInfo& from);
ActorInfo decode(const v1::Registration& from);

}  // namespace tractor
