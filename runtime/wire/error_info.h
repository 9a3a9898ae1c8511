// The errors of this process as others get them, and those of others as exceptions. What tractor itself finds wrong is
// made here as well: such an error has an id and a type name of its own. Any thread.
#pragma once

#include <exception>

#include "runtime/wire/exception_table.h"
#include "runtime/wire/remote_error.h"

namespace tractor {

// The registered types that the functions below know from now on, until null is set; `types` outlives that.
void set_exception_types(const ExceptionTable* types);

// What an exception looks like to others when it leaves the actor `here`. A RemoteActorError keeps its origin and gets
// `here` appended to its relay path; anything else starts here, with what it is nested in, or a group's members, as
// causes. An empty `here` is for errors that stay in this process.
ErrorInfo error_info(const std::exception_ptr& error, const ActorRef& here);

// The same for this process' own records, without stack trace and causes, which take long to find.
ErrorInfo error_head(const std::exception_ptr& error);

// The exception to throw for it: RemoteCancelled for cancellations, else RemoteActorError, which holds the original
// where its type is registered, or it is a group (see there).
std::exception_ptr exception_for(ErrorInfo info);

// Causes of causes go no deeper; protobuf's parsers stop at 100 messages in each other.
inline constexpr int kMaxCauseDepth = 16;

// --- what tractor itself finds ---

// Keys of ErrorInfo::attributes.
inline constexpr const char* kCancelledBy = "cancelled_by";
inline constexpr const char* kSignal = "signal";
inline constexpr const char* kExitStatus = "exit_status";

// The type name of an error of which no more than its kind is known.
const char* type_of(ErrorKind kind);

// An error of that kind, found at `origin`.
ErrorInfo own_error(ErrorKind kind, std::string message, const ActorRef& origin,
                    Executed executed = Executed::unspecified);

// The error of a call that came when the actor `here` was ending, or that its end has ended.
ErrorInfo shutting_down(const ActorRef& here, Executed executed);

// For RemoteCancelled; `by` is empty when nobody is known.
ErrorInfo cancelled_by(const ActorRef& by, std::string message, const ActorRef& origin);

// The process of `actor` died, and whether an error says so: not that something in it failed, nor that another died.
ErrorInfo actor_died(std::string message, const ActorRef& actor);
bool is_death_of(const ActorRef& actor, const ErrorInfo& error);

}  // namespace tractor
