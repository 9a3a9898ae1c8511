// Errors to and from their wire form, and to and from grpc::Status: the one place that does. Any thread. Exceptions:
// error_info.h.
#pragma once

#include <grpcpp/support/status.h>

#include <string_view>

#include "runtime/wire/remote_error.h"
#include "tractor/v1/error.pb.h"

namespace tractor {

// What is too long for a body is cut, and says so: an error must always arrive.
void encode(const ErrorInfo& from, v1::Error& to);
ErrorInfo decode(const v1::Error& from);
void encode(const ActorRef& from, v1::ActorRef& to);
ActorRef decode(const v1::ActorRef& from);

// How gRPC calls the status code of that kind: "NOT_FOUND".
std::string_view code_name(ErrorKind kind);
// With the whole error as google.rpc.Status in the details, cut so that message and details stay below what metadata
// carries.
grpc::Status to_status(const ErrorInfo& info);
// From any status but OK; `peer` is named where the status has no details (transport errors, foreign servers).
ErrorInfo from_status(const grpc::Status& status, const ActorRef& peer);

}  // namespace tractor
