// The answer to a Watch: what there is, then every change, in order and without gaps. Loop thread only.
#pragma once

#include "arbiter/store.h"
#include "runtime/wire/server_call.h"
#include "tractor/v1/arbiter.grpc.pb.h"

namespace tractor::arbiter {

using WatchCall = WriterCall<v1::WatchRequest, v1::WatchResponse>;

// Writes until the watcher goes, or has to start over, which it is told: it asked for a revision that the log does not
// go back to, or it reads more slowly than the log turns over. A slow watcher costs no more than its place in the log
// and, during the snapshot, a pointer an actor.
void follow(Store& store, WatchCall& call);

}  // namespace tractor::arbiter
