#include "runtime/wire/remote_error.h"

#include "absl/strings/str_cat.h"
#include "runtime/wire/error_info.h"

namespace tractor {

std::string to_string(const ActorRef& actor) {
  if (actor.id.empty()) return actor.name;
  return actor.name + '@' + actor.id.substr(0, 4);
}

RemoteActorError::RemoteActorError(ErrorInfo info)
    : Error(info.origin == ActorRef{} ? absl::StrCat(info.type, ": ", info.message)
                                      : absl::StrCat(info.type, " in ", to_string(info.origin), ": ", info.message)),
      info_(std::make_shared<const ErrorInfo>(std::move(info))) {}

std::string RemoteCancelled::cancelled_by() const {
  const auto by = info().attributes.find(kCancelledBy);
  return by == info().attributes.end() ? std::string() : by->second;
}

}  // namespace tractor
