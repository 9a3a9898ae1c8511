// Errors to and from their wire form, and to and from grpc::Status: the one place that does. Any thread.
#pragma once

#include <grpcpp/support/status.h>

#include <exception>

#include "runtime/wire/exception_table.h"
#include "runtime/wire/remote_error.h"
#include "tractor/v1/error.pb.h"

namespace tractor {

// The registered types that the two functions below know from now on, until null is set; `types` outlives that.
void set_exception_types(const ExceptionTable* types);

// What an exception looks like to others when it leaves the actor `here`. A RemoteActorError keeps its origin and gets
// `here` appended to its relay path; anything else starts here, with what it is nested in, or a group's members, as
// causes. An empty `here` is for errors that stay in this process.
ErrorInfo error_info(const std::exception_ptr& error, const ActorRef& here);

// The same for this process' own records, without stack trace and causes, which take long to find.
ErrorInfo error_head(const std::exception_ptr& error);

// The error of a call that came when the actor `here` was ending, or that its end has ended.
ErrorInfo shutting_down(const ActorRef& here, Executed executed);

// The exception to throw for it: RemoteCancelled for cancellations, else RemoteActorError, which holds the original
// where its type is registered, or it is a group (see there).
std::exception_ptr exception_for(ErrorInfo info);

// What is too long for a body is cut, and says so: an error must always arrive.
void encode(const ErrorInfo& from, v1::Error& to);
ErrorInfo decode(const v1::Error& from);
void encode(const ActorRef& from, v1::ActorRef& to);
ActorRef decode(const v1::ActorRef& from);

// With the whole error as google.rpc.Status in the details, cut so that message and details stay below what metadata
// carries.
grpc::Status to_status(const ErrorInfo& info);
// From any status but OK; `peer` is named where the status has no details (transport errors, foreign servers).
ErrorInfo from_status(const grpc::Status& status, const ActorRef& peer);

}  // namespace tractor
