#include "runtime/wire/error_codec.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "google/rpc/status.pb.h"
#include "runtime/wire/error_info.h"
#include "runtime/wire/text.h"
#include "runtime/wire/value_codec.h"

namespace tractor {
namespace {

struct KindRow {
  ErrorKind kind;
  v1::ErrorKind wire;
  grpc::StatusCode code;
  const char* code_name;
};
constexpr std::array<KindRow, 11> kKinds = {{
    {ErrorKind::function, v1::ERROR_KIND_FUNCTION, grpc::StatusCode::UNKNOWN, "UNKNOWN"},
    {ErrorKind::invalid_argument, v1::ERROR_KIND_INVALID_ARGUMENT, grpc::StatusCode::INVALID_ARGUMENT,
     "INVALID_ARGUMENT"},
    {ErrorKind::not_found, v1::ERROR_KIND_NOT_FOUND, grpc::StatusCode::NOT_FOUND, "NOT_FOUND"},
    {ErrorKind::permission_denied, v1::ERROR_KIND_PERMISSION_DENIED, grpc::StatusCode::PERMISSION_DENIED,
     "PERMISSION_DENIED"},
    {ErrorKind::cancelled, v1::ERROR_KIND_CANCELLED, grpc::StatusCode::CANCELLED, "CANCELLED"},
    {ErrorKind::deadline_exceeded, v1::ERROR_KIND_DEADLINE_EXCEEDED, grpc::StatusCode::DEADLINE_EXCEEDED,
     "DEADLINE_EXCEEDED"},
    {ErrorKind::unavailable, v1::ERROR_KIND_UNAVAILABLE, grpc::StatusCode::UNAVAILABLE, "UNAVAILABLE"},
    {ErrorKind::resource_exhausted, v1::ERROR_KIND_RESOURCE_EXHAUSTED, grpc::StatusCode::RESOURCE_EXHAUSTED,
     "RESOURCE_EXHAUSTED"},
    {ErrorKind::unauthenticated, v1::ERROR_KIND_UNAUTHENTICATED, grpc::StatusCode::UNAUTHENTICATED, "UNAUTHENTICATED"},
    {ErrorKind::failed_precondition, v1::ERROR_KIND_FAILED_PRECONDITION, grpc::StatusCode::FAILED_PRECONDITION,
     "FAILED_PRECONDITION"},
    {ErrorKind::unimplemented, v1::ERROR_KIND_UNIMPLEMENTED, grpc::StatusCode::UNIMPLEMENTED, "UNIMPLEMENTED"},
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

}  // namespace

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
    const std::string whole = utf8_text(raw);
    std::string part = cut_text(whole, std::min(most, bytes_ - std::min(bytes_, kField)));
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
    } catch (const CallError&) {  // it is nested too deep, or has a key or a type that is no text
      to.set_truncated(true);
    }
  }
  for (const std::string& frame : from.stack_trace) {
    if (!room.take(0)) break;
    to.add_stack_trace()->set_function(room.text(frame, kMaxFrame));
  }
  for (std::size_t i = 0; i < from.causes.size(); ++i) {
    if (depth == kMaxCauseDepth || room.left() < kSmallestCause) {
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

std::string_view code_name(ErrorKind kind) { return row_of(kind).code_name; }

grpc::Status to_status(const ErrorInfo& info) {
  const std::string message = cut_text(utf8_text(info.message), kMaxStatusMessage);
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
    return own_error(ErrorKind::unavailable, "the connection was closed from there", peer);
  }
  const KindRow& row = row_where([&](const KindRow& r) { return r.code == status.error_code(); });
  return own_error(row.kind, status.error_message(), peer);
}

}  // namespace tractor
