// A call as it travels, and its wire forms: the Call of a link and the InvokeRequest of other languages
// (proto/tractor/v1), which begin alike. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/task/clock.h"
#include "runtime/wire/item_room.h"
#include "runtime/wire/remote_error.h"
#include "runtime/wire/value.h"
#include "runtime/wire/wire_format.h"

namespace tractor {

struct CallRequest {
  std::string function = {};
  Arguments arguments = {};
  std::string call_id = {};                     // chosen by the caller; empty: nobody cancels it by that
  std::optional<Clock::duration> timeout = {};  // time left
  std::string target_actor_id = {};             // empty: whoever is there
  std::optional<ItemRoom> item_room = {};       // the caller wants items; empty: one value
};

// The content of a Call. Throws CallError(invalid_argument) for a value that cannot travel, naming function and
// argument.
void write_call(const CallRequest& request, BackwardWriter& to);

// These two throw CallError(invalid_argument) for arguments that are no values (the function's name is in `request`
// then), and WireFormatError.
void read_call(std::string_view message, CallRequest& request);
// An InvokeRequest, which says more.
struct InvokeRequest {
  CallRequest call = {};
  ActorRef caller = {};
  bool error_in_body = false;
};
void read_invoke(std::string_view message, InvokeRequest& request);

// The fields of a Credit.
void write_room(const ItemRoom& room, BackwardWriter& to);
ItemRoom read_room(std::string_view message);

// A message that comes seldom, as protobuf reads it.
template <class M>
M parsed_as(std::string_view bytes) {
  M message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    throw WireFormatError("bytes that are no " + M::descriptor()->full_name());
  return message;
}

}  // namespace tractor
