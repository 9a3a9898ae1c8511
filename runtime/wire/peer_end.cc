#include "absl/strings/str_cat.h"
#include "runtime/wire/error_info.h"
#include "runtime/wire/link_stream.h"
#include "runtime/wire/peer.h"

namespace tractor {

PeerEnd Peer::wait_end() {
  const std::shared_ptr<Link> link = this->link();
  CallingEnd& end = link->calls();
  end.wait_for_hello();
  const bool is_another = end.greeted() && !actor_.id.empty() && end.other().id != actor_.id;
  if (!is_another) {
    end.wait_for_break();
    if (end.said_goodbye()) return {.said_goodbye = true};
  }
  const std::string why = is_another ? absl::StrCat("actor ", to_string(end.other()), " serves there now")
                                     : end.refusal().value_or(ErrorInfo{}).message;
  return {.error = own_error(ErrorKind::unavailable,
                             absl::StrCat("actor \"", actor_.name, "\" at ", address_,
                                          end.greeted() && !is_another ? " is gone, or cannot be reached any more: "
                                                                       : " is gone, or cannot be reached: ",
                                          why),
                             actor_)};
}

}  // namespace tractor
