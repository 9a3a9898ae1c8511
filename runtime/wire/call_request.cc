#include "runtime/wire/call_request.h"

#include "runtime/wire/error_codec.h"
#include "runtime/wire/item_run.h"
#include "runtime/wire/value_codec.h"
#include "runtime/wire/value_wire.h"
#include "tractor/v1/actor.pb.h"
#include "tractor/v1/link.pb.h"

namespace tractor {
namespace {

constexpr int kKeyField = 1;  // of a map's entry
constexpr int kValueField = 2;

// What both messages have.
static_assert(int{v1::Call::kFunctionFieldNumber} == int{v1::InvokeRequest::kFunctionFieldNumber});
static_assert(int{v1::Call::kArgsFieldNumber} == int{v1::InvokeRequest::kArgsFieldNumber});
static_assert(int{v1::Call::kNamedArgsFieldNumber} == int{v1::InvokeRequest::kNamedArgsFieldNumber});
static_assert(int{v1::Call::kCallIdFieldNumber} == int{v1::InvokeRequest::kCallIdFieldNumber});
static_assert(int{v1::Call::kTimeoutFieldNumber} == int{v1::InvokeRequest::kTimeoutFieldNumber});

void write_duration(Clock::duration duration, BackwardWriter& to) {
  const google::protobuf::Duration message = encode_duration(duration);
  if (message.nanos() != 0)
    to.varint_field(google::protobuf::Duration::kNanosFieldNumber, static_cast<std::uint64_t>(message.nanos()));
  if (message.seconds() != 0)
    to.varint_field(google::protobuf::Duration::kSecondsFieldNumber, static_cast<std::uint64_t>(message.seconds()));
}

void read_named_argument(Reader entry, CallRequest& request) {
  std::string name;
  std::string_view value;
  while (!entry.done()) {
    const std::uint32_t tag = entry.tag();
    if (tag == tag_of(kKeyField, kLengthDelimited)) {
      name = entry.bytes();
    } else if (tag == tag_of(kValueField, kLengthDelimited)) {
      value = entry.bytes();
    } else {
      entry.skip(tag);
    }
  }
  if (!is_utf8(name)) throw WireFormatError("an argument's name that is no valid UTF-8");
  request.arguments.named[name] =
      converting([&] { return argument_of(request.function, name); }, [&] { return from_wire(value); });
}

// Function first: errors of arguments name it, wherever it stands. `read_other` reads a field that only one of the
// messages has, and says whether it did.
template <class F>
void read(std::string_view message, CallRequest& request, F&& read_other) {
  for (Reader from(message); !from.done();) {
    const std::uint32_t tag = from.tag();
    if (tag == tag_of(v1::Call::kFunctionFieldNumber, kLengthDelimited)) {
      request.function = from.bytes();
    } else if (tag == tag_of(v1::Call::kCallIdFieldNumber, kLengthDelimited)) {
      request.call_id = from.bytes();
    } else if (tag == tag_of(v1::Call::kTimeoutFieldNumber, kLengthDelimited)) {
      request.timeout = decode_duration(parsed_as<google::protobuf::Duration>(from.bytes()));
    } else if (!read_other(tag, from)) {
      from.skip(tag);
    }
  }
  if (!is_utf8(request.function)) throw WireFormatError("a function's name that is no valid UTF-8");
  for (Reader from(message); !from.done();) {
    const std::uint32_t tag = from.tag();
    if (tag == tag_of(v1::Call::kArgsFieldNumber, kLengthDelimited)) {
      Value::List& list = request.arguments.positional;
      list.push_back(converting([&] { return argument_of(request.function, list.size()); },
                                [&] { return from_wire(from.bytes()); }));
    } else if (tag == tag_of(v1::Call::kNamedArgsFieldNumber, kLengthDelimited)) {
      read_named_argument(Reader(from.bytes()), request);
    } else {
      from.skip(tag);
    }
  }
}

}  // namespace

void write_call(const CallRequest& request, BackwardWriter& to) {
  if (request.item_room) to.message_field(v1::Call::kItemRoomFieldNumber, [&] { write_room(*request.item_room, to); });
  if (!request.target_actor_id.empty()) to.bytes_field(v1::Call::kTargetActorIdFieldNumber, request.target_actor_id);
  if (request.timeout) to.message_field(v1::Call::kTimeoutFieldNumber, [&] { write_duration(*request.timeout, to); });
  if (!request.call_id.empty()) to.bytes_field(v1::Call::kCallIdFieldNumber, request.call_id);
  const auto& named = request.arguments.named;
  for (auto entry = named.rbegin(); entry != named.rend(); ++entry) {
    const auto& [name, value] = *entry;
    if (!is_utf8(name)) {
      throw CallError(ErrorKind::invalid_argument,
                      request.function + ": the name of an argument is valid UTF-8, not " + Value(name).describe());
    }
    to.message_field(v1::Call::kNamedArgsFieldNumber, [&, &name = name, &value = value] {
      to.message_field(kValueField, [&] {
        converting([&] { return argument_of(request.function, name); }, [&] { write_value(value, to); });
      });
      to.bytes_field(kKeyField, name);
    });
  }
  const auto& positional = request.arguments.positional;
  for (std::size_t i = positional.size(); i-- > 0;) {
    to.message_field(v1::Call::kArgsFieldNumber, [&] {
      converting([&] { return argument_of(request.function, i); }, [&] { write_value(positional[i], to); });
    });
  }
  to.bytes_field(v1::Call::kFunctionFieldNumber, request.function);
}

void read_call(std::string_view message, CallRequest& request) {
  read(message, request, [&](std::uint32_t tag, Reader& from) {
    switch (tag) {
      case tag_of(v1::Call::kTargetActorIdFieldNumber, kLengthDelimited):
        request.target_actor_id = from.bytes();
        return true;
      case tag_of(v1::Call::kItemRoomFieldNumber, kLengthDelimited):
        request.item_room = read_room(from.bytes());
        return true;
      default:
        return false;
    }
  });
}

void read_invoke(std::string_view message, InvokeRequest& request) {
  read(message, request.call, [&](std::uint32_t tag, Reader& from) {
    switch (tag) {
      case tag_of(v1::InvokeRequest::kCallerFieldNumber, kLengthDelimited):
        request.caller = decode(parsed_as<v1::ActorRef>(from.bytes()));
        return true;
      case tag_of(v1::InvokeRequest::kTargetActorIdFieldNumber, kLengthDelimited):
        request.call.target_actor_id = from.bytes();
        return true;
      case tag_of(v1::InvokeRequest::kErrorDeliveryFieldNumber, kVarint):
        request.error_in_body = from.varint() == v1::ERROR_DELIVERY_BODY;
        return true;
      case tag_of(v1::InvokeRequest::kItemRoomFieldNumber, kLengthDelimited):
        request.call.item_room = read_room(from.bytes());
        return true;
      default:
        return false;
    }
  });
}

void write_room(const ItemRoom& room, BackwardWriter& to) {
  to.varint_field(v1::Credit::kBytesFieldNumber, static_cast<std::uint64_t>(room.bytes));
  to.varint_field(v1::Credit::kItemsFieldNumber, static_cast<std::uint64_t>(room.items));
}

ItemRoom read_room(std::string_view message) { return decode(parsed_as<v1::Credit>(message)); }

}  // namespace tractor
