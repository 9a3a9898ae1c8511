// Frames that wait to be written to a link, and how they share it.
//
// A frame goes out as soon as nothing is being written; what is queued meanwhile goes together in the next message, so
// that a busy link writes few large messages and an idle one waits for nothing. A frame of more than kMaxWhole bytes is
// cut into pieces: the first goes like a small frame, so that calls begin in their order, the others after all small
// ones, in turns with those of other calls; a large argument delays nobody by more than a piece of each. Frames of one
// call keep their order, unless one is to go first; messages are numbered. Not thread-safe; it knows no tasks and no
// gRPC.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <string>
#include <string_view>

#include "runtime/wire/frame.h"

namespace tractor {

class FrameQueue {
 public:
  static constexpr std::size_t kPiece = 64 * 1024;
  // The largest frame that goes whole: an item of 64 KiB does.
  static constexpr std::size_t kMaxWhole = kPiece + 1024;
  // Pieces of large frames in a message.
  static constexpr int kPiecesPerMessage = 4;

  // Queues a copy of a frame. `reply` as in Frame. The ticket is for taken().
  std::uint64_t push(std::uint64_t call, bool reply, std::string_view frame);
  // Queues a copy of a small frame behind the other small ones and ahead of every piece that waits, also of its call.
  std::uint64_t push_small(std::string_view frame);
  // Takes back what waits of a call, if the frame with that ticket is among it and was not taken whole.
  bool withdraw(std::uint64_t call, bool reply, std::uint64_t ticket);

  bool empty() const { return small_.empty() && calls_.empty(); }
  // That wait: of what goes first, and of further pieces.
  std::size_t small_bytes() const { return small_.size(); }
  std::size_t large_bytes() const { return large_bytes_; }
  // The next message to write; empty when nothing waits.
  std::string take_message();
  // Whether the frame with that ticket was taken whole: before that, nobody can have acted on it.
  bool taken(std::uint64_t ticket) const;

 private:
  struct Waiting {
    std::uint64_t ticket;
    std::string frame;
  };
  // The frames of a call that has a large one among them.
  struct Call {
    std::uint64_t number;
    bool reply;
    std::deque<Waiting> frames;
    std::size_t sent = 0;  // of the first one

    bool has(std::uint64_t ticket) const;
  };
  using Calls = std::list<Call>;
  Calls::iterator find(std::uint64_t call, bool reply);
  void take_piece(std::string& message);

  std::string small_;              // as they will stand in the message, after its number
  std::size_t expected_ = 0;       // how large that may become: as large as the last one
  std::uint64_t first_small_ = 0;  // the ticket of the first of those
  Calls calls_;                    // the next to get a turn first
  std::size_t large_bytes_ = 0;
  std::uint64_t last_ticket_ = 0;
  std::uint64_t messages_ = 0;  // taken
  FrameWriter pieces_;
};

}  // namespace tractor
