// The RPCs by which other languages call functions: Invoke, one call and one value, and Stream, one generator or
// dialog.
//
// Each call is served in a task of its own. Their messages are read and written as links' frames are, and end in the
// same CallHandler. Loop thread only.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include "runtime/wire/call_handler.h"
#include "runtime/wire/server_call.h"

namespace tractor {

using RawUnaryCall = UnaryCall<grpc::ByteBuffer, grpc::ByteBuffer>;
using RawStreamCall = StreamCall<grpc::ByteBuffer, grpc::ByteBuffer>;

// Serve one call whose caller has been authenticated, to its end.
void serve_invoke(CallHandler& handler, RawUnaryCall& call);
void serve_stream(CallHandler& handler, RawStreamCall& call);

// Messages in one piece of memory each.
grpc::ByteBuffer to_buffer(std::string message);
// Throws WireFormatError when it cannot be unpacked.
std::string to_text(const grpc::ByteBuffer& buffer);

}  // namespace tractor
