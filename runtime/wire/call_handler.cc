#include "runtime/wire/call_handler.h"

#include "absl/strings/str_cat.h"
#include "runtime/wire/peer.h"

namespace tractor {
namespace {

void check_size(const char* what, const std::string& function, const char* verb, std::size_t bytes) {
  if (bytes <= kMaxMessageBytes) return;
  throw CallError(ErrorKind::resource_exhausted,
                  absl::StrCat(what, function, verb, bytes, " bytes; a message has at most ", kMaxMessageBytes,
                               ": send it in parts, as a stream or in a dialog"));
}

}  // namespace

void ServedCall::cancel(const ActorRef& by, const std::string& why) {
  if (!cancel_requested) {
    cancel_requested = true;
    cancelled_by = by;
    reason = why;
  }
  scope.cancel();
}

void check_target(const std::string& wanted_id, const ActorRef& self) {
  if (wanted_id.empty() || wanted_id == self.id) return;
  throw CallError(ErrorKind::not_found,
                  absl::StrCat("the actor ", wanted_id, " is not here: this is ", self.name, " (", self.id,
                               "); the one you look for has ended or moved, find it again"));
}

void check_arguments_size(const std::string& function, std::size_t bytes) {
  check_size("the arguments of ", function, " have ", bytes);
}

void check_result_size(const std::string& function, std::size_t bytes) {
  check_size("the result of ", function, " has ", bytes);
}

void check_started_size(const std::string& function, std::size_t bytes) {
  check_size("what is given to started() of ", function, " has ", bytes);
}

void check_item_size(const std::string& function, std::size_t bytes) {
  check_size("an item of ", function, " has ", bytes);
}

}  // namespace tractor
