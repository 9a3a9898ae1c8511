// The answer to a Register: a tree's registrations, from its hello to the end of its stream. Loop thread only.
#pragma once

#include "arbiter/ledger.h"
#include "arbiter/store.h"
#include "runtime/wire/server_call.h"
#include "tractor/v1/arbiter.grpc.pb.h"

namespace tractor::arbiter {

using RegisterCall = StreamCall<v1::RegisterRequest, v1::RegisterResponse>;

// Until the tree says goodbye or its stream ends. What a tree on this host has registered ends then; one elsewhere may
// go on though its connection is lost, so what it has registered, without a goodbye, goes on for the `ttl` of which it
// is told. Throws CallError for what ends the stream: it does not begin with a hello, the lease has expired, the store
// is away.
void register_tree(Store& store, Ledger& ledger, RegisterCall& call, v1::Welcome welcome, Clock::duration ttl);

}  // namespace tractor::arbiter
