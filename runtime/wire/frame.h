// The frames of a link to and from bytes (proto/tractor/v1/link.proto says what they mean). Any thread.
//
// Written and read as values are, without generated messages (value_wire.h says why); tests/runtime/wire/frame_test.cc
// compares the two. Text that a frame gives points into what was read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/wire/call_request.h"
#include "runtime/wire/item_run.h"
#include "runtime/wire/remote_error.h"
#include "runtime/wire/value.h"
#include "runtime/wire/wire_format.h"

namespace tractor {

// The numbers are those of tractor.v1.Frame's fields.
enum class FrameKind {
  unknown = 0,
  hello = 3,
  open = 4,
  started = 5,
  item = 6,
  items = 7,
  credit = 8,
  close_send = 9,
  cancel = 10,
  cancel_ack = 11,
  value = 12,
  error = 13,
  chunk = 14,
  go_away = 15,
};

struct Frame {
  std::uint64_t call = 0;  // 0: the link itself
  bool reply = false;      // whether it is for the side that opened the call
  FrameKind kind = FrameKind::unknown;
  std::string_view body = {};
};

// The versions of the link that are spoken here.
inline constexpr std::uint32_t kOldestLinkVersion = 1;
inline constexpr std::uint32_t kNewestLinkVersion = 1;

// What each end says of itself first.
struct LinkHello {
  std::uint32_t version_min = kOldestLinkVersion;
  std::uint32_t version_max = kNewestLinkVersion;
  ActorRef actor = {};
  std::uint64_t max_message_bytes = 0;  // of one frame
  std::uint32_t max_calls = 0;          // in flight
  ItemRoom item_room = {};              // for each call that the other side opens
  std::string build = {};               // "tractor 0.1.0"
};

struct ChunkFrame {
  std::string_view data = {};
  std::uint64_t total_bytes = 0;  // of the whole frame; in the first piece
  bool last = false;
};

// Writes one frame at a time; each stands until the next one is written.
class FrameWriter {
 public:
  std::string_view hello(const LinkHello& hello);
  // These four throw CallError(invalid_argument) for a value that cannot travel, naming function and argument.
  std::string_view open(std::uint64_t call, const CallRequest& request);
  std::string_view value(std::uint64_t call, const std::string& function, const Value& value);
  std::string_view started(std::uint64_t call, const std::string& function, const Value& value);
  // The item itself, which is the last part of the frame, for a run.
  struct ItemFrame {
    std::string_view frame;
    std::string_view item;
  };
  ItemFrame item(std::uint64_t call, bool reply, const std::string& function, const Value& value);
  std::string_view error(std::uint64_t call, const ErrorInfo& error);
  std::string_view items(std::uint64_t call, bool reply, const ItemRunWriter& run);
  std::string_view credit(std::uint64_t call, bool reply, const ItemRoom& room);
  std::string_view close_send(std::uint64_t call, bool reply);
  std::string_view cancel(std::uint64_t call, const std::string& reason);
  std::string_view cancel_ack(std::uint64_t call, bool found);
  std::string_view chunk(std::uint64_t call, bool reply, const ChunkFrame& chunk);
  std::string_view go_away(const std::string& reason);

 private:
  template <class F>
  std::string_view frame(std::uint64_t call, bool reply, FrameKind kind, F&& write_body);

  BackwardWriter writer_;
};

// The bytes of a message (ConnectRequest or ConnectResponse, which are the same): its number first, then frames, and
// the sender's clock last.
void append_number(std::string& message, std::uint64_t number);
void append_frame(std::string& message, std::string_view frame);
void append_clock(std::string& message, std::uint64_t clock);

// All of these throw WireFormatError for bytes that are none.
// The number of a message; 0 when it has none.
std::uint64_t read_number(std::string_view message);
Frame read_frame(std::string_view bytes);
// Calls f(Frame) for each frame of a message, and clock(std::uint64_t) for its sender's clock, if it has one.
template <class F, class G = decltype([](std::uint64_t) {})>
void for_each_frame(std::string_view message, F&& f, G clock = {}) {
  constexpr int kFrames = 1;
  constexpr int kClock = 3;
  for (Reader from(message); !from.done();) {
    const std::uint32_t tag = from.tag();
    if (tag == tag_of(kFrames, kLengthDelimited)) {
      f(read_frame(from.bytes()));
    } else if (tag == tag_of(kClock, kFixed64)) {
      clock(from.fixed64());
    } else {
      from.skip(tag);
    }
  }
}

// The bodies, by kind.
LinkHello read_hello(std::string_view body);
Value read_value(const std::string& function, std::string_view body);
Value read_started(const std::string& function, std::string_view body);
ErrorInfo read_error(std::string_view body);
std::string read_reason(FrameKind kind, std::string_view body);  // of cancel and go_away
bool read_found(std::string_view body);                          // of cancel_ack
ChunkFrame read_chunk(std::string_view body);

}  // namespace tractor
