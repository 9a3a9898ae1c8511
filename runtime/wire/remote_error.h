// Errors that come from other actors.
//
// Plain data behind a shared pointer: cheap to copy, any thread. Conversion from and to the wire stands in
// error_codec.h.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/task/error.h"
#include "runtime/wire/value.h"

namespace tractor {

// Names an actor in messages: "donny@7f3a" is name@ and the first four digits of the id.
struct ActorRef {
  std::string name = {};
  std::string id = {};
  bool operator==(const ActorRef&) const = default;
};
std::string to_string(const ActorRef& actor);

// What kind of failure it was; each has its gRPC status code (proto/tractor/v1/error.proto).
enum class ErrorKind {
  function,             // the function threw
  invalid_argument,     // wrong, missing or unknown argument
  not_found,            // no such function, or another actor lives there
  permission_denied,    // its module is not enabled
  cancelled,            // cancelled from elsewhere
  deadline_exceeded,    // the caller's deadline passed
  unavailable,          // shutting down, unreachable, died during the call
  resource_exhausted,   // a limit was hit
  unauthenticated,      // no or wrong credentials
  failed_precondition,  // a version that is not spoken
  unimplemented,        // known, but not served
};

// Whether a call that failed unavailable was carried out. Only `no` may be repeated blindly.
enum class Executed { unspecified, no, maybe };

struct ErrorInfo {
  std::string error_id = {};  // the same error keeps it through every relay
  std::string type = {};      // "std::runtime_error"
  std::string message = {};
  ErrorKind kind = ErrorKind::function;
  ActorRef origin = {};                       // where it was thrown
  std::vector<ActorRef> relay_path = {};      // through whom it came, nearest to the origin first
  std::vector<std::string> stack_trace = {};  // from the throw outwards
  std::vector<ErrorInfo> causes = {};         // the members of a group, or what it was nested in
  // "signal": "9", "exit_status": "3", "cancelled_by": "gretchen@91bc"
  std::map<std::string, std::string> attributes = {};
  Value data = {};  // the members of a registered exception type; null: none
  Executed executed = Executed::unspecified;
  bool truncated = false;  // something was cut to fit
};

// An error from another actor, with everything that is known about it. what() is "std::runtime_error in donny@7f3a: the
// text".
//
// One whose type this program has registered (Program::exceptions), and a group, is thrown as a class derived from this
// and from std::nested_exception: std::rethrow_if_nested(e) throws the original type, or an ExceptionGroup of
// RemoteActorErrors, and does nothing for other errors.
class RemoteActorError : public Error {
 public:
  explicit RemoteActorError(ErrorInfo info);

  const std::string& type_name() const { return info_->type; }
  const std::string& message() const { return info_->message; }
  ErrorKind kind() const { return info_->kind; }
  const ActorRef& origin() const { return info_->origin; }
  const std::vector<ActorRef>& relay_path() const { return info_->relay_path; }
  // Functions from the throw outwards: "scene::say_hello()"; empty when it is not known.
  const std::vector<std::string>& stack_trace() const { return info_->stack_trace; }
  const std::vector<ErrorInfo>& causes() const { return info_->causes; }
  Executed executed() const { return info_->executed; }
  const ErrorInfo& info() const { return *info_; }

 private:
  std::shared_ptr<const ErrorInfo> info_;
};

// A call, or an actor whose result was waited for, was cancelled, but not by the one who waits: that would be
// Cancelled.
class RemoteCancelled : public RemoteActorError {
 public:
  using RemoteActorError::RemoteActorError;
  // "gretchen@91bc"; empty when nobody is known.
  std::string cancelled_by() const;
};

// A failure that the runtime itself found: it has a kind, and crosses the wire as itself.
class CallError : public Error {
 public:
  CallError(ErrorKind kind, const std::string& message) : Error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace tractor
