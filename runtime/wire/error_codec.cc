#include "runtime/wire/error_codec.h"

#include <array>
#include <random>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "google/rpc/status.pb.h"
#include "runtime/wire/identity.h"
#include "runtime/wire/stack_trace.h"
#include "runtime/wire/value.h"

namespace tractor {
namespace {

struct KindRow {
  ErrorKind kind;
  v1::ErrorKind wire;
  grpc::StatusCode code;
  const char* type;  // for errors that only have a status
};
constexpr std::array<KindRow, 11> kKinds = {{
    {ErrorKind::function, v1::ERROR_KIND_FUNCTION, grpc::StatusCode::UNKNOWN, "tractor::RemoteError"},
    {ErrorKind::invalid_argument, v1::ERROR_KIND_INVALID_ARGUMENT, grpc::StatusCode::INVALID_ARGUMENT,
     "tractor::InvalidArgument"},
    {ErrorKind::not_found, v1::ERROR_KIND_NOT_FOUND, grpc::StatusCode::NOT_FOUND, "tractor::NotFound"},
    {ErrorKind::permission_denied, v1::ERROR_KIND_PERMISSION_DENIED, grpc::StatusCode::PERMISSION_DENIED,
     "tractor::PermissionDenied"},
    {ErrorKind::cancelled, v1::ERROR_KIND_CANCELLED, grpc::StatusCode::CANCELLED, "tractor::RemoteCancelled"},
    {ErrorKind::deadline_exceeded, v1::ERROR_KIND_DEADLINE_EXCEEDED, grpc::StatusCode::DEADLINE_EXCEEDED,
     "tractor::DeadlineExceeded"},
    {ErrorKind::unavailable, v1::ERROR_KIND_UNAVAILABLE, grpc::StatusCode::UNAVAILABLE, "tractor::Unavailable"},
    {ErrorKind::resource_exhausted, v1::ERROR_KIND_RESOURCE_EXHAUSTED, grpc::StatusCode::RESOURCE_EXHAUSTED,
     "tractor::ResourceExhausted"},
    {ErrorKind::unauthenticated, v1::ERROR_KIND_UNAUTHENTICATED, grpc::StatusCode::UNAUTHENTICATED,
     "tractor::Unauthenticated"},
    {ErrorKind::failed_precondition, v1::ERROR_KIND_FAILED_PRECONDITION, grpc::StatusCode::FAILED_PRECONDITION,
     "tractor::FailedPrecondition"},
    {ErrorKind::unimplemented, v1::ERROR_KIND_UNIMPLEMENTED, grpc::StatusCode::UNIMPLEMENTED, "tractor::Unimplemented"},
}};

template <class Match>
const KindRow& row_where(Match match) {
  for (const KindRow& row : kKinds) {
    if (match(row)) return row;
  }
  return kKinds[0];
}
const KindRow& row_of(ErrorKind kind) {
  return row_where([&](const KindRow& row) { return row.kind == kind; });
}

// Metadata over 8 KiB closes the whole connection, and the details travel base64-encoded.
constexpr std::size_t kMaxStatusMessage = 1024;
constexpr std::size_t kMaxStatusDetails = 3 * 1024;
constexpr const char* kGroupType = "tractor::ExceptionGroup";
// In bodies, which have room; but an error must always arrive.
constexpr std::size_t kMaxText = 1 << 22;

// protobuf strings hold valid UTF-8 only: what is not is shown as \xHH.
std::string text(std::string_view raw) {
  if (is_utf8(raw)) return std::string(raw);
  std::string out;
  for (unsigned char c : raw) {
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else {
      absl::StrAppend(&out, "\\x", absl::Hex(c, absl::kZeroPad2));
    }
  }
  return out;
}

// The first `limit` bytes, cut between characters, saying how much is missing.
std::string cut(std::string_view whole, std::size_t limit) {
  if (whole.size() <= limit) return std::string(whole);
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(whole[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat(std::string(whole.substr(0, end)), "... (cut, ", whole.size(), " bytes in all)");
}

}  // namespace

std::string to_string(const ActorRef& actor) {
  if (actor.id.empty()) return actor.name;
  return actor.name + '@' + actor.id.substr(0, 4);
}

RemoteActorError::RemoteActorError(ErrorInfo info)
    : Error(info.origin == ActorRef{} ? absl::StrCat(info.type, ": ", info.message)
                                      : absl::StrCat(info.type, " in ", to_string(info.origin), ": ", info.message)),
      info_(std::make_shared<const ErrorInfo>(std::move(info))) {}

std::string RemoteCancelled::cancelled_by() const {
  const auto by = info().attributes.find("cancelled_by");
  return by == info().attributes.end() ? std::string() : by->second;
}

namespace {

constexpr int kMaxDepth = 16;  // of causes; protobuf's parsers stop at 100 messages in each other

std::vector<ErrorInfo> causes_of(const std::exception_ptr& error, const ActorRef& here, int depth);

ErrorInfo error_info(const std::exception_ptr& error, const ActorRef& here, int depth) {
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
    info.type = row_of(e.kind()).type;
    info.kind = e.kind();
  } catch (const ExceptionGroup&) {
    info.type = kGroupType;
  } catch (const Cancelled&) {
    info.message = "cancelled";
    info.kind = ErrorKind::cancelled;
    return info;
  } catch (...) {
  }
  info.message = describe(error);
  info.stack_trace = stack_trace(error);
  if (depth < kMaxDepth) {
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

std::exception_ptr exception_for(ErrorInfo info) {
  if (info.kind == ErrorKind::cancelled) return std::make_exception_ptr(RemoteCancelled(std::move(info)));
  return std::make_exception_ptr(RemoteActorError(std::move(info)));
}

void encode(const ActorRef& from, v1::ActorRef& to) {
  to.set_name(from.name);
  to.set_actor_id(from.id);
}

ActorRef decode(const v1::ActorRef& from) { return {.name = from.name(), .id = from.actor_id()}; }

void encode(const ErrorInfo& from, v1::Error& to) {
  to.set_error_id(from.error_id);
  to.set_type(text(from.type));
  to.set_message(cut(text(from.message), kMaxText));
  to.set_kind(row_of(from.kind).wire);
  encode(from.origin, *to.mutable_origin());
  for (const ActorRef& hop : from.relay_path) encode(hop, *to.add_relay_path());
  for (const std::string& frame : from.stack_trace) to.add_stack_trace()->set_function(text(frame));
  for (const ErrorInfo& cause : from.causes) encode(cause, *to.add_causes());
  for (const auto& [key, value] : from.attributes) (*to.mutable_attributes())[text(key)] = text(value);
  to.set_truncated(from.truncated || from.message.size() > kMaxText);
}

ErrorInfo decode(const v1::Error& from) {
  ErrorInfo info{.error_id = from.error_id(),
                 .type = from.type(),
                 .message = from.message(),
                 .kind = row_where([&](const KindRow& row) { return row.wire == from.kind(); }).kind,
                 .origin = decode(from.origin()),
                 .truncated = from.truncated()};
  for (const v1::ActorRef& hop : from.relay_path()) info.relay_path.push_back(decode(hop));
  for (const v1::StackFrame& frame : from.stack_trace()) info.stack_trace.push_back(frame.function());
  for (const v1::Error& cause : from.causes()) info.causes.push_back(decode(cause));
  for (const auto& [key, value] : from.attributes()) info.attributes[key] = value;
  return info;
}

grpc::Status to_status(const ErrorInfo& info) {
  const std::string message = cut(text(info.message), kMaxStatusMessage);
  v1::Error error;
  encode(info, error);
  if (error.ByteSizeLong() > kMaxStatusDetails) {
    error.set_truncated(true);
    error.clear_causes();
    error.clear_stack_trace();
    error.clear_details();
    error.set_type(cut(error.type(), kMaxStatusMessage / 4));
    error.set_message(message);
  }
  if (error.ByteSizeLong() > kMaxStatusDetails) {
    error.clear_attributes();
    error.clear_relay_path();
  }
  if (error.ByteSizeLong() > kMaxStatusDetails) {  // an id or an origin that was not made here
    error.clear_error_id();
    error.clear_origin();
  }
  google::rpc::Status status;
  status.set_code(row_of(info.kind).code);
  status.set_message(message);
  status.add_details()->PackFrom(error);
  return {row_of(info.kind).code, message, status.SerializeAsString()};
}

ErrorInfo from_status(const grpc::Status& status, const ActorRef& peer) {
  google::rpc::Status rich;
  if (!status.error_details().empty() && rich.ParseFromString(status.error_details())) {
    for (const auto& detail : rich.details()) {
      v1::Error error;
      if (detail.UnpackTo(&error)) return decode(error);
    }
  }
  // One of our calls was ended by a server that shuts down; an actor that cancels one says by whom, in the details.
  if (status.error_code() == grpc::StatusCode::CANCELLED) {
    return {.error_id = random_id(),
            .type = row_of(ErrorKind::unavailable).type,
            .message = "the connection was closed from there",
            .kind = ErrorKind::unavailable,
            .origin = peer};
  }
  const KindRow& row = row_where([&](const KindRow& r) { return r.code == status.error_code(); });
  return {
      .error_id = random_id(), .type = row.type, .message = status.error_message(), .kind = row.kind, .origin = peer};
}

}  // namespace tractor
