#include "runtime/wire/frame.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/text.h"
#include "runtime/wire/value_codec.h"
#include "runtime/wire/value_wire.h"
#include "tractor/v1/link.pb.h"

namespace tractor {
namespace {

constexpr int number(FrameKind kind) { return static_cast<int>(kind); }

static_assert(number(FrameKind::hello) == v1::Frame::kHelloFieldNumber);
static_assert(number(FrameKind::open) == v1::Frame::kOpenFieldNumber);
static_assert(number(FrameKind::started) == v1::Frame::kStartedFieldNumber);
static_assert(number(FrameKind::item) == v1::Frame::kItemFieldNumber);
static_assert(number(FrameKind::items) == v1::Frame::kItemsFieldNumber);
static_assert(number(FrameKind::credit) == v1::Frame::kCreditFieldNumber);
static_assert(number(FrameKind::close_send) == v1::Frame::kCloseSendFieldNumber);
static_assert(number(FrameKind::cancel) == v1::Frame::kCancelFieldNumber);
static_assert(number(FrameKind::cancel_ack) == v1::Frame::kCancelAckFieldNumber);
static_assert(number(FrameKind::value) == v1::Frame::kValueFieldNumber);
static_assert(number(FrameKind::error) == v1::Frame::kErrorFieldNumber);
static_assert(number(FrameKind::chunk) == v1::Frame::kChunkFieldNumber);
static_assert(number(FrameKind::go_away) == v1::Frame::kGoAwayFieldNumber);

bool is_known(std::uint32_t field) {
  switch (static_cast<FrameKind>(field)) {
    case FrameKind::hello:
    case FrameKind::open:
    case FrameKind::started:
    case FrameKind::item:
    case FrameKind::items:
    case FrameKind::credit:
    case FrameKind::close_send:
    case FrameKind::cancel:
    case FrameKind::cancel_ack:
    case FrameKind::value:
    case FrameKind::error:
    case FrameKind::chunk:
    case FrameKind::go_away:
      return true;
    case FrameKind::unknown:
      return false;
  }
  return false;
}

}  // namespace

template <class F>
std::string_view FrameWriter::frame(std::uint64_t call, bool reply, FrameKind kind, F&& write_body) {
  writer_.clear();
  writer_.message_field(number(kind), write_body);
  if (reply) writer_.varint_field(v1::Frame::kReplyFieldNumber, 1);
  if (call != 0) writer_.varint_field(v1::Frame::kCallFieldNumber, call);
  return writer_.bytes();
}

std::string_view FrameWriter::hello(const LinkHello& hello) {
  return frame(0, false, FrameKind::hello, [&] {
    writer_.message_field(v1::Hello::kItemRoomFieldNumber, [&] { write_room(hello.item_room, writer_); });
    writer_.bytes_field(v1::Hello::kBuildFieldNumber, hello.build);
    writer_.varint_field(v1::Hello::kMaxCallsFieldNumber, hello.max_calls);
    writer_.varint_field(v1::Hello::kMaxMessageBytesFieldNumber, hello.max_message_bytes);
    writer_.message_field(v1::Hello::kActorFieldNumber, [&] {
      writer_.bytes_field(v1::ActorRef::kActorIdFieldNumber, hello.actor.id);
      writer_.bytes_field(v1::ActorRef::kNameFieldNumber, hello.actor.name);
    });
    writer_.varint_field(v1::Hello::kVersionMaxFieldNumber, hello.version_max);
    writer_.varint_field(v1::Hello::kVersionMinFieldNumber, hello.version_min);
  });
}

std::string_view FrameWriter::open(std::uint64_t call, const CallRequest& request) {
  return frame(call, false, FrameKind::open, [&] { write_call(request, writer_); });
}

std::string_view FrameWriter::value(std::uint64_t call, const std::string& function, const Value& value) {
  return frame(call, true, FrameKind::value,
               [&] { converting([&] { return result_of(function); }, [&] { write_value(value, writer_); }); });
}

std::string_view FrameWriter::started(std::uint64_t call, const std::string& function, const Value& value) {
  return frame(call, true, FrameKind::started, [&] {
    writer_.message_field(v1::Started::kValueFieldNumber, [&] {
      converting([&] { return "the started value of " + function; }, [&] { write_value(value, writer_); });
    });
  });
}

FrameWriter::ItemFrame FrameWriter::item(std::uint64_t call, bool reply, const std::string& function,
                                         const Value& value) {
  std::size_t size = 0;
  const std::string_view whole = frame(call, reply, FrameKind::item, [&] {
    converting([&] { return item_of(function); }, [&] { write_value(value, writer_); });
    size = writer_.bytes().size();
  });
  return {.frame = whole, .item = whole.substr(whole.size() - size)};
}

std::string_view FrameWriter::items(std::uint64_t call, bool reply, const ItemRunWriter& run) {
  return frame(call, reply, FrameKind::items, [&] { run.write(writer_); });
}

std::string_view FrameWriter::credit(std::uint64_t call, bool reply, const ItemRoom& room) {
  return frame(call, reply, FrameKind::credit, [&] { write_room(room, writer_); });
}

std::string_view FrameWriter::close_send(std::uint64_t call, bool reply) {
  return frame(call, reply, FrameKind::close_send, [] {});
}

std::string_view FrameWriter::error(std::uint64_t call, const ErrorInfo& error) {
  v1::Error message;
  encode(error, message);
  return frame(call, true, FrameKind::error, [&] { writer_.raw(message.SerializeAsString()); });
}

std::string_view FrameWriter::cancel(std::uint64_t call, const std::string& reason) {
  return frame(call, false, FrameKind::cancel, [&] {
    if (!reason.empty()) writer_.bytes_field(v1::CancelCall::kReasonFieldNumber, reason_text(reason));
  });
}

std::string_view FrameWriter::cancel_ack(std::uint64_t call, bool found) {
  return frame(call, true, FrameKind::cancel_ack, [&] {
    if (found) writer_.varint_field(v1::CancelAck::kFoundFieldNumber, 1);
  });
}

std::string_view FrameWriter::chunk(std::uint64_t call, bool reply, const ChunkFrame& chunk) {
  return frame(call, reply, FrameKind::chunk, [&] {
    if (chunk.last) writer_.varint_field(v1::Chunk::kLastFieldNumber, 1);
    if (chunk.total_bytes != 0) writer_.varint_field(v1::Chunk::kTotalBytesFieldNumber, chunk.total_bytes);
    writer_.bytes_field(v1::Chunk::kDataFieldNumber, chunk.data);
  });
}

std::string_view FrameWriter::go_away(const std::string& reason) {
  return frame(0, false, FrameKind::go_away, [&] { writer_.bytes_field(v1::GoAway::kReasonFieldNumber, reason); });
}

void append_number(std::string& message, std::uint64_t number) {
  append_varint(message, tag_of(v1::ConnectRequest::kNumberFieldNumber, kVarint));
  append_varint(message, number);
}

void append_frame(std::string& message, std::string_view frame) {
  append_bytes_field(message, v1::ConnectRequest::kFramesFieldNumber, frame);
}

void append_clock(std::string& message, std::uint64_t clock) {
  append_varint(message, tag_of(v1::ConnectRequest::kClockFieldNumber, kFixed64));
  std::array<std::uint8_t, sizeof clock> bytes{};
  google::protobuf::io::CodedOutputStream::WriteLittleEndian64ToArray(clock, bytes.data());
  message.append(bytes.begin(), bytes.end());
}

std::uint64_t read_number(std::string_view message) {
  for (Reader from(message); !from.done();) {
    const std::uint32_t tag = from.tag();
    if (tag == tag_of(v1::ConnectRequest::kNumberFieldNumber, kVarint)) return from.varint();
    from.skip(tag);
  }
  return 0;
}

Frame read_frame(std::string_view bytes) {
  Frame frame;
  for (Reader from(bytes); !from.done();) {
    const std::uint32_t tag = from.tag();
    if (tag == tag_of(v1::Frame::kCallFieldNumber, kVarint)) {
      frame.call = from.varint();
    } else if (tag == tag_of(v1::Frame::kReplyFieldNumber, kVarint)) {
      frame.reply = from.varint() != 0;
    } else if ((tag & 7) == kLengthDelimited && is_known(tag >> 3)) {
      frame.kind = static_cast<FrameKind>(tag >> 3);
      frame.body = from.bytes();
    } else {
      from.skip(tag);
    }
  }
  return frame;
}

LinkHello read_hello(std::string_view body) {
  const auto message = parsed_as<v1::Hello>(body);
  return {.version_min = message.version_min(),
          .version_max = message.version_max(),
          .actor = decode(message.actor()),
          .max_message_bytes = message.max_message_bytes(),
          .max_calls = message.max_calls(),
          .item_room = decode(message.item_room()),
          .build = message.build()};
}

Value read_value(const std::string& function, std::string_view body) {
  return converting([&] { return result_of(function); }, [&] { return from_wire(body); });
}

Value read_started(const std::string& function, std::string_view body) {
  std::string_view value;
  for (Reader from(body); !from.done();) {
    const std::uint32_t tag = from.tag();
    if (tag == tag_of(v1::Started::kValueFieldNumber, kLengthDelimited)) {
      value = from.bytes();
    } else {
      from.skip(tag);
    }
  }
  return converting([&] { return "the started value of " + function; }, [&] { return from_wire(value); });
}

ErrorInfo read_error(std::string_view body) { return decode(parsed_as<v1::Error>(body)); }

std::string read_reason(FrameKind kind, std::string_view body) {
  return kind == FrameKind::go_away ? parsed_as<v1::GoAway>(body).reason() : parsed_as<v1::CancelCall>(body).reason();
}

bool read_found(std::string_view body) { return parsed_as<v1::CancelAck>(body).found(); }

ChunkFrame read_chunk(std::string_view body) {
  ChunkFrame chunk;
  for (Reader from(body); !from.done();) {
    const std::uint32_t tag = from.tag();
    if (tag == tag_of(v1::Chunk::kDataFieldNumber, kLengthDelimited)) {
      chunk.data = from.bytes();
    } else if (tag == tag_of(v1::Chunk::kTotalBytesFieldNumber, kVarint)) {
      chunk.total_bytes = from.varint();
    } else if (tag == tag_of(v1::Chunk::kLastFieldNumber, kVarint)) {
      chunk.last = from.varint() != 0;
    } else {
      from.skip(tag);
    }
  }
  return chunk;
}

}  // namespace tractor
