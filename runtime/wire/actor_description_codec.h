// Descriptions to and from their protobuf form. Any thread.
#pragma once

#include "runtime/wire/actor_description.h"
#include "tractor/v1/actor.pb.h"

namespace tractor {

v1::DescribeResponse encode(const ActorDescription& from);
ActorDescription decode(const v1::DescribeResponse& from);

}  // namespace tractor
