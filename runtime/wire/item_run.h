// The items of a stream as they travel: in runs, the bytes of a tractor.v1.ItemRun (proto/tractor/v1/link.proto), of
// which there is room for so many where they go. Any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "runtime/wire/item_room.h"
#include "runtime/wire/value.h"
#include "runtime/wire/wire_format.h"

namespace tractor::v1 {
class Credit;
}

namespace tractor {

ItemRoom decode(const v1::Credit& from);

// A run that is being written. Numbers and bools stand together with their like, packed, everything else as values.
class ItemRunWriter {
 public:
  bool empty() const { return content_.empty(); }
  std::size_t size() const { return content_.size(); }
  // Whether an item, the bytes of a Value, can stand in the same run.
  bool takes(std::string_view item) const { return empty() || field_of(item) == field_; }
  // Returns what it counts for in bytes.
  std::size_t add(std::string_view item);
  // The fields of the ItemRun.
  void write(BackwardWriter& to) const;
  void clear() { content_.clear(); }

 private:
  static int field_of(std::string_view item);

  int field_ = 0;
  std::string content_;
};

// Items that have arrived and wait for whoever receives them. Those of a run are decoded when they are taken.
class ItemInbox {
 public:
  explicit ItemInbox(ItemRoom room) : room_(room), left_(room) {}

  // A run, or one item, the bytes of a Value. False when there was no room: the sender breaks the rules. Throws
  // WireFormatError.
  bool add_run(std::string run);
  bool add_item(std::string_view item);

  bool empty() const { return frames_.empty(); }
  bool has_room() const { return !left_.empty(); }
  // The next one; throws CallError for what is no value (it counts as taken).
  Value take();
  // Drops what has come.
  void clear();
  // Room to grant: when half of it is free again, so that a message is sent for many items.
  std::optional<ItemRoom> take_grant();

 private:
  // Where reading stands in a run.
  class Cursor {
   public:
    explicit Cursor(std::string_view run) : fields_(run) { skip_other_fields(); }

    bool done() const { return numbers_.done() && fields_.done(); }
    // Decodes the next item, and adds what it took to `freed`.
    Value next(ItemRoom& freed);
    // Passes it; its size.
    std::size_t skip();

   private:
    // Calls one of them for the next item: with the bytes of a Value, or with the reader of a number and what it is.
    template <class OnValue, class OnNumber>
    std::size_t advance(OnValue&& on_value, OnNumber&& on_number);
    void skip_other_fields();

    Reader fields_;
    Reader numbers_{{}};       // in the packed field that is being read
    std::uint32_t field_ = 0;  // that field's tag
  };
  struct Run {
    std::string bytes;
    Cursor next;
  };
  // An item that came alone: decoded at once, so that it is copied once; or why it is no value.
  struct One {
    std::size_t size;
    Value value;
    std::exception_ptr error;
  };
  const ItemRoom room_;
  ItemRoom left_;                              // for the sender, as far as it knows
  ItemRoom freed_;                             // and not granted yet
  std::deque<std::variant<Run, One>> frames_;  // which do not move: cursors point into them
};

}  // namespace tractor
