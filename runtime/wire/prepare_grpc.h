// What a process of ours needs of gRPC, and of what gRPC uses, before it uses it.
#pragma once

namespace tractor {

// Any thread; once is enough, more does no harm.
void prepare_grpc();

}  // namespace tractor
