#include "runtime/wire/error_info.h"

#include <atomic>

#include "absl/strings/str_cat.h"
#include "runtime/log.h"
#include "runtime/wire/identity.h"
#include "runtime/wire/stack_trace.h"

namespace tractor {
namespace {

constexpr const char* kGroupType = "tractor::ExceptionGroup";
constexpr const char* kActorDied = "tractor::ActorDied";

std::atomic<const ExceptionTable*> exception_types = nullptr;

}  // namespace

void set_exception_types(const ExceptionTable* types) { exception_types = types; }

namespace {

// Makes `info` one of a registered type, if `error` is.
void describe_registered(const std::exception_ptr& error, ErrorInfo& info) {
  const ExceptionTable* types = exception_types;
  const ExceptionType* type = types == nullptr ? nullptr : types->find_type(info.type);
  if (type == nullptr) return;
  try {
    std::optional<Value> data = type->encode(error);
    if (!data) return;  // another type of that name, in another file's anonymous namespace
    info.data = std::move(*data);
  } catch (...) {  // code of the program
    log::warning(absl::StrCat("an exception ", type->name,
                              " travels without its members: ", describe(std::current_exception())));
  }
  info.type = type->name;
}

std::vector<ErrorInfo> causes_of(const std::exception_ptr& error, const ActorRef& here, int depth);

enum class Whole { no, yes };

ErrorInfo error_info(const std::exception_ptr& error, const ActorRef& here, int depth, Whole whole = Whole::yes) {
  ErrorInfo info{.error_id = random_id(), .type = type_name_of(error), .origin = here};
  try {
    std::rethrow_exception(error);
  } catch (const RemoteActorError& e) {
    info = e.info();
    if (info.origin == ActorRef{}) {
      info.origin = here;
    } else if (info.origin != here && here != ActorRef{}) {
      info.relay_path.push_back(here);
    }
    return info;
  } catch (const CallError& e) {
    info.type = type_of(e.kind());
    info.kind = e.kind();
  } catch (const ExceptionGroup&) {
    info.type = kGroupType;
  } catch (const Cancelled&) {
    info.message = "cancelled";
    info.kind = ErrorKind::cancelled;
    return info;
  } catch (...) {
    describe_registered(error, info);
  }
  info.message = describe(error);
  if (whole == Whole::no) return info;
  info.stack_trace = stack_trace(error);
  if (depth < kMaxCauseDepth) {
    info.causes = causes_of(error, here, depth + 1);
  } else {
    info.truncated = true;
  }
  return info;
}

// The members of a group, and what the error is nested in.
std::vector<ErrorInfo> causes_of(const std::exception_ptr& error, const ActorRef& here, int depth) {
  std::vector<ErrorInfo> causes;
  try {
    std::rethrow_exception(error);
  } catch (const ExceptionGroup& group) {
    for (const std::exception_ptr& member : group.exceptions()) causes.push_back(error_info(member, here, depth));
    return causes;  // the members alone, so that they can be told
  } catch (...) {
  }
  try {
    std::rethrow_exception(error);
  } catch (const std::nested_exception& outer) {
    if (outer.nested_ptr() != nullptr) causes.push_back(error_info(outer.nested_ptr(), here, depth));
  } catch (...) {
  }
  return causes;
}

}  // namespace

ErrorInfo error_info(const std::exception_ptr& error, const ActorRef& here) { return error_info(error, here, 0); }

ErrorInfo error_head(const std::exception_ptr& error) { return error_info(error, {}, 0, Whole::no); }

const char* type_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::function:
      return "tractor::RemoteError";
    case ErrorKind::invalid_argument:
      return "tractor::InvalidArgument";
    case ErrorKind::not_found:
      return "tractor::NotFound";
    case ErrorKind::permission_denied:
      return "tractor::PermissionDenied";
    case ErrorKind::cancelled:
      return "tractor::RemoteCancelled";
    case ErrorKind::deadline_exceeded:
      return "tractor::DeadlineExceeded";
    case ErrorKind::unavailable:
      return "tractor::Unavailable";
    case ErrorKind::resource_exhausted:
      return "tractor::ResourceExhausted";
    case ErrorKind::unauthenticated:
      return "tractor::Unauthenticated";
    case ErrorKind::failed_precondition:
      return "tractor::FailedPrecondition";
    case ErrorKind::unimplemented:
      return "tractor::Unimplemented";
  }
  return "tractor::RemoteError";
}

ErrorInfo own_error(ErrorKind kind, std::string message, const ActorRef& origin, Executed executed) {
  return {.error_id = random_id(),
          .type = type_of(kind),
          .message = std::move(message),
          .kind = kind,
          .origin = origin,
          .executed = executed};
}

ErrorInfo shutting_down(const ActorRef& here, Executed executed) {
  return own_error(ErrorKind::unavailable, "the actor is shutting down", here, executed);
}

ErrorInfo cancelled_by(const ActorRef& by, std::string message, const ActorRef& origin) {
  ErrorInfo error = own_error(ErrorKind::cancelled, std::move(message), origin);
  if (by != ActorRef{}) error.attributes[kCancelledBy] = to_string(by);
  return error;
}

ErrorInfo actor_died(std::string message, const ActorRef& actor) {
  ErrorInfo error = own_error(ErrorKind::unavailable, std::move(message), actor);
  error.type = kActorDied;
  return error;
}

bool is_death_of(const ActorRef& actor, const ErrorInfo& error) {
  return error.type == kActorDied && error.origin == actor;
}

namespace {

// A remote error that holds the original as well: what is being handled when it is made.
class RemoteErrorWithOriginal final : public RemoteActorError, public std::nested_exception {
 public:
  using RemoteActorError::RemoteActorError;
};

// What was thrown there, as far as this program can have it here; null when it cannot.
std::exception_ptr original(const ErrorInfo& info) {
  if (info.type == kGroupType && info.causes.size() > 1) {  // fewer are what was left after cutting
    std::vector<std::exception_ptr> members;
    for (const ErrorInfo& cause : info.causes) members.push_back(exception_for(cause));
    return std::make_exception_ptr(ExceptionGroup(std::move(members)));
  }
  const ExceptionTable* types = exception_types;
  const ExceptionType* type = types == nullptr ? nullptr : types->find_name(info.type);
  if (type == nullptr || info.kind != ErrorKind::function) return nullptr;
  try {
    return type->decode(info.message, info.data);
  } catch (...) {  // code of the program
    log::warning(absl::StrCat("a ", info.type, " of ", to_string(info.origin),
                              " cannot be had here: ", describe(std::current_exception())));
    return nullptr;
  }
}

}  // namespace

std::exception_ptr exception_for(ErrorInfo info) {
  if (info.kind == ErrorKind::cancelled) return std::make_exception_ptr(RemoteCancelled(std::move(info)));
  const std::exception_ptr held = original(info);
  if (held == nullptr) return std::make_exception_ptr(RemoteActorError(std::move(info)));
  try {
    std::rethrow_exception(held);
  } catch (...) {
    return std::make_exception_ptr(RemoteErrorWithOriginal(std::move(info)));
  }
}

}  // namespace tractor
