#include "runtime/wire/actor_info_codec.h"

namespace tractor {

v1::Registration encode(const ActorInfo& from) {
  v1::Registration to;
  to.set_name(from.name);
  to.set_actor_id(from.id);
  to.set_incarnation(from.incarnation);
  to.mutable_addresses()->Add(from.addresses.begin(), from.addresses.end());
  to.mutable_modules()->Add(from.modules.begin(), from.modules.end());
  to.mutable_labels()->insert(from.labels.begin(), from.labels.end());
  to.set_host(from.host);
  to.set_pid(from.pid);
  to.set_calls_in_flight(from.calls_in_flight);
  to.set_exclusive(from.exclusive);
  return to;
}

ActorInfo decode(const v1::Registration& from) {
  return {.name = from.name(),
          .id = from.actor_id(),
          .incarnation = from.incarnation(),
          .addresses = {from.addresses().begin(), from.addresses().end()},
          .modules = {from.modules().begin(), from.modules().end()},
          .labels = {from.labels().begin(), from.labels().end()},
          .host = from.host(),
          .pid = from.pid(),
          .calls_in_flight = from.calls_in_flight(),
          .exclusive = from.exclusive()};
}

}  // namespace tractor
