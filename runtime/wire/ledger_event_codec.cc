#include "runtime/wire/ledger_event_codec.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/hybrid_clock.h"
#include "runtime/wire/text.h"

namespace tractor {
namespace {

using Kind = LedgerEvent::Kind;
constexpr std::array<std::pair<Kind, const char*>, 8> kKinds = {{{Kind::spawned, "spawned"},
                                                                 {Kind::serving, "serving"},
                                                                 {Kind::cancelled, "cancelled"},
                                                                 {Kind::failed, "failed"},
                                                                 {Kind::restarted, "restarted"},
                                                                 {Kind::ended, "ended"},
                                                                 {Kind::lost, "lost"},
                                                                 {Kind::call_failed, "call_failed"}}};

std::string cut(const std::string& text) {
  constexpr std::size_t kMostBytes = 1000;
  return cut_text(utf8_text(text), kMostBytes);
}

}  // namespace

std::chrono::system_clock::time_point LedgerEvent::time() const {
  return std::chrono::system_clock::time_point(HybridClock::wall_time(clock));
}

std::string to_string(const LedgerEvent& event) {
  std::string text =
      absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::FromChrono(event.time()), absl::UTCTimeZone()), " ",
                   to_string(event.actor), " ", to_string(event.kind));
  if (event.kind == Kind::call_failed) absl::StrAppend(&text, " ", event.function);
  if (event.count > 1) absl::StrAppend(&text, " (", event.count, " times)");
  if (event.by != ActorRef{}) absl::StrAppend(&text, " by ", to_string(event.by));
  if (event.kind == Kind::spawned) absl::StrAppend(&text, " as process ", event.pid, " on ", event.host);
  if (event.error_type.empty() && event.message.empty()) return text;
  return absl::StrCat(text, ": ", one_line(event.error_type),
                      event.error_type.empty() || event.message.empty() ? "" : ": ", one_line(event.message));
}

std::string to_string(Kind kind) {
  for (const auto& [known, name] : kKinds) {
    if (known == kind) return name;
  }
  return "unknown";
}

Kind parse_ledger_kind(const std::string& name) {
  std::string all;
  for (const auto& [kind, known] : kKinds) {
    if (name == known) return kind;
    absl::StrAppend(&all, all.empty() ? "" : ", ", known);
  }
  throw std::invalid_argument(absl::StrCat("no kind of event \"", name, "\": ", all));
}

v1::LedgerEvent encode(const LedgerEvent& from) {
  v1::LedgerEvent to;
  to.set_kind(static_cast<v1::LedgerEventKind>(from.kind));
  encode(from.actor, *to.mutable_actor());
  if (from.by != ActorRef{}) encode(from.by, *to.mutable_by());
  to.set_function(cut(from.function));
  to.set_error_type(cut(from.error_type));
  to.set_message(cut(from.message));
  to.set_pid(from.pid);
  to.set_count(from.count);
  to.set_clock(from.clock);
  encode(from.recorder, *to.mutable_recorder());
  to.set_host(from.host);
  to.set_tree_id(from.tree_id);
  return to;
}

LedgerEvent decode(const v1::LedgerEvent& from) {
  const auto actor = [](const v1::ActorRef& ref) {
    return ActorRef{.name = cut(ref.name()), .id = cut(ref.actor_id())};
  };
  return {.kind = v1::LedgerEventKind_IsValid(from.kind()) ? static_cast<Kind>(from.kind()) : Kind::unknown,
          .actor = actor(from.actor()),
          .by = actor(from.by()),
          .function = cut(from.function()),
          .error_type = cut(from.error_type()),
          .message = cut(from.message()),
          .pid = from.pid(),
          .count = from.count(),
          .clock = from.clock(),
          .recorder = actor(from.recorder()),
          .host = cut(from.host()),
          .tree_id = cut(from.tree_id())};
}

google::protobuf::Timestamp encode(std::chrono::system_clock::time_point from) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(from);
  google::protobuf::Timestamp to;
  to.set_seconds(seconds.time_since_epoch().count());
  to.set_nanos(static_cast<int>(std::chrono::nanoseconds(from - seconds).count()));
  return to;
}

// What no clock here can tell is as far away as it can.
std::chrono::system_clock::time_point decode(const google::protobuf::Timestamp& from) {
  constexpr std::int64_t kFurthest = std::int64_t{1} << 33;  // about 270 years
  const std::chrono::seconds seconds(std::clamp(from.seconds(), -kFurthest, kFurthest));
  return std::chrono::system_clock::time_point(seconds) + std::chrono::nanoseconds(from.nanos());
}

}  // namespace tractor
