#include "runtime/wire/error_codec.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "google/rpc/status.pb.h"
#include "runtime/log.h"
#include "runtime/wire/identity.h"
#include "runtime/wire/stack_trace.h"
#include "runtime/wire/value_codec.h"

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

// Metadata over 8 KiB closes the whole connection. The message travels in it twice, percent-encoded (up to three times
// as long) and in the details, which are base64-encoded: 7 KiB in all at most.
constexpr std::size_t kMaxStatusDetails = 2304;
constexpr std::size_t kMaxStatusMessage = kMaxStatusDetails / 3;
// A body has room (kMaxMessageBytes), also for a dozen such errors.
constexpr std::size_t kMaxBody = std::size_t{12} << 20;
// Smaller parts of an error, so that none of them takes all the room.
constexpr std::size_t kMaxName = ExceptionTable::kMaxTypeName;
constexpr std::size_t kMaxFrame = 512;
// What a cause without its text takes, about: with less room left there is no use in beginning one.
constexpr std::size_t kSmallestCause = 256;
constexpr int kMaxDepth = 16;  // of causes; protobuf's parsers stop at 100 messages in each other

constexpr const char* kGroupType = "tractor::ExceptionGroup";

std::atomic<const ExceptionTable*> exception_types = nullptr;

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

// As much of it as `limit` bytes hold, cut between characters, with the number of bytes that there were; nothing when
// there is no room to say that.
std::string cut(std::string_view whole, std::size_t limit) {
  if (whole.size() <= limit) return std::string(whole);
  const std::string note = absl::StrCat("... (cut, ", whole.size(), " bytes in all)");
  if (limit < 2 * note.size()) return "";
  std::size_t end = limit - note.size();
  while (end > 0 && (static_cast<unsigned char>(whole[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat(std::string(whole.substr(0, end)), note);
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
    info.type = row_of(e.kind()).type;
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

ErrorInfo shutting_down(const ActorRef& here, Executed executed) {
  return {.error_id = random_id(),
          .type = row_of(ErrorKind::unavailable).type,
          .message = "the actor is shutting down",
          .kind = ErrorKind::unavailable,
          .origin = here,
          .executed = executed};
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

void encode(const ActorRef& from, v1::ActorRef& to) {
  to.set_name(from.name);
  to.set_actor_id(from.id);
}

ActorRef decode(const v1::ActorRef& from) { return {.name = from.name(), .id = from.actor_id()}; }

namespace {

// The room that is left in an error's message while it is filled. What does not fit marks the error as truncated.
class Room {
 public:
  Room(v1::Error& error, std::size_t bytes) : error_(error), bytes_(bytes) {}

  // Takes that much, and what a field takes besides; false when it is not there.
  bool take(std::size_t bytes) {
    const bool fits = bytes + kField <= bytes_;
    if (fits) {
      bytes_ -= bytes + kField;
    } else {
      error_.set_truncated(true);
    }
    return fits;
  }
  // The text, valid UTF-8, cut to at most that much and to what is left.
  std::string text(std::string_view raw, std::size_t most) {
    const std::string whole = tractor::text(raw);
    std::string part = cut(whole, std::min(most, bytes_ - std::min(bytes_, kField)));
    if (part.size() < whole.size()) error_.set_truncated(true);
    take(part.size());
    return part;
  }
  std::size_t left() const { return bytes_; }

 private:
  static constexpr std::size_t kField = 12;

  v1::Error& error_;
  std::size_t bytes_;
};

// An error of at most `limit` bytes. Its text has a third; what comes after that takes what is left, in this order; the
// causes share the rest.
void encode_within(const ErrorInfo& from, v1::Error& to, std::size_t limit, int depth) {
  Room room(to, limit);
  to.set_truncated(from.truncated);
  to.set_kind(row_of(from.kind).wire);
  to.set_executed(static_cast<v1::Executed>(from.executed));
  to.set_error_id(room.text(from.error_id, kMaxName));
  to.mutable_origin()->set_name(room.text(from.origin.name, kMaxName));
  to.mutable_origin()->set_actor_id(room.text(from.origin.id, kMaxName));
  to.set_type(room.text(from.type, kMaxName));
  to.set_message(room.text(from.message, limit / 3));
  for (const auto& [key, value] : from.attributes) {
    if (!room.take(0)) break;
    (*to.mutable_attributes())[room.text(key, kMaxName)] = room.text(value, kMaxFrame);
  }
  for (const ActorRef& hop : from.relay_path) {
    if (!room.take(hop.name.size() + hop.id.size())) break;
    encode(hop, *to.add_relay_path());
  }
  if (!from.data.is_null()) {
    try {
      v1::Value data;
      encode(from.data, data);
      constexpr std::size_t kAny = 64;  // its type's name
      if (room.take(data.ByteSizeLong() + kAny)) to.add_details()->PackFrom(data);
    } catch (const CallError&) {  // it is nested too deep, or has a key that is no text
      to.set_truncated(true);
    }
  }
  for (const std::string& frame : from.stack_trace) {
    if (!room.take(0)) break;
    to.add_stack_trace()->set_function(room.text(frame, kMaxFrame));
  }
  for (std::size_t i = 0; i < from.causes.size(); ++i) {
    if (depth == kMaxDepth || room.left() < kSmallestCause) {
      to.set_truncated(true);
      break;
    }
    v1::Error& cause = *to.add_causes();
    encode_within(from.causes[i], cause, std::max(room.left() / (from.causes.size() - i), kSmallestCause), depth + 1);
    if (room.take(cause.ByteSizeLong())) continue;
    to.mutable_causes()->RemoveLast();
    break;
  }
}

}  // namespace

namespace {

Executed executed_from(v1::Executed wire) {
  static_assert(static_cast<int>(Executed::no) == v1::EXECUTED_NO &&
                static_cast<int>(Executed::maybe) == v1::EXECUTED_MAYBE);
  return wire == v1::EXECUTED_NO || wire == v1::EXECUTED_MAYBE ? static_cast<Executed>(wire) : Executed::unspecified;
}

}  // namespace

void encode(const ErrorInfo& from, v1::Error& to) { encode_within(from, to, kMaxBody, 0); }

ErrorInfo decode(const v1::Error& from) {
  ErrorInfo info{.error_id = from.error_id(),
                 .type = from.type(),
                 .message = from.message(),
                 .kind = row_where([&](const KindRow& row) { return row.wire == from.kind(); }).kind,
                 .origin = decode(from.origin()),
                 .executed = executed_from(from.executed()),
                 .truncated = from.truncated()};
  for (const v1::ActorRef& hop : from.relay_path()) info.relay_path.push_back(decode(hop));
  for (const v1::StackFrame& frame : from.stack_trace()) info.stack_trace.push_back(frame.function());
  for (const v1::Error& cause : from.causes()) info.causes.push_back(decode(cause));
  for (const auto& [key, value] : from.attributes()) info.attributes[key] = value;
  for (const google::protobuf::Any& detail : from.details()) {
    v1::Value data;
    if (!detail.UnpackTo(&data)) continue;
    try {
      info.data = decode(data);
    } catch (const CallError&) {  // no C++ actor sends such a value
      info.truncated = true;
    }
  }
  return info;
}

grpc::Status to_status(const ErrorInfo& info) {
  const std::string message = cut(text(info.message), kMaxStatusMessage);
  v1::Error error;
  encode_within(info, error, kMaxStatusDetails, 0);
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
