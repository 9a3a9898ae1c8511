// The items of a call over a link, both ways, at either of its ends.
//
// Part of the call there: it goes with it. Back-pressure is by credit (item_room.h): a sender waits for room at the
// other end, which is granted as items are received there, so that a link is always read and a stalled stream holds up
// nothing else on it. Small items are gathered into a run while the link is writing something else and are written at
// once when it is not: nothing waits for more to come. Loop thread only.
#pragma once

#include <optional>
#include <string>

#include "runtime/task/condition.h"
#include "runtime/wire/item_run.h"
#include "runtime/wire/item_stream.h"
#include "runtime/wire/link_end.h"

namespace tractor {

class LinkItems final : public ServedStream, private LinkEnd::ItemSource {
 public:
  // `reply`: whether this is the end that serves the call. `room_there` is what the caller said; the other end says it
  // in its hello. `room_here` is what this end said.
  LinkItems(LinkEnd& link, std::uint64_t call, bool reply, std::string function, std::optional<ItemRoom> room_there,
            ItemRoom room_here);
  LinkItems(const LinkItems&) = delete;
  LinkItems& operator=(const LinkItems&) = delete;

  void send(const Value& item) override;
  std::optional<Value> receive() override;
  void close_send() override;
  void started(const Value& value) override;

  // Drops what has come and what comes: nobody receives it.
  void discard();
  // Puts what was sent in front of the call's next frame.
  void flush() override;
  // The call has ended: what has come can still be received.
  void end();
  // An item, items, credit or close_send of this call. LinkError when it breaks the rules.
  void take(const Frame& frame);

 private:
  void wait_for_credit();
  void add_to_run(std::string_view item);
  void grant();
  void switch_now_and_then();

  LinkEnd& link_;
  const std::uint64_t call_;
  const bool reply_;
  const std::string function_;

  std::optional<ItemRoom> room_there_;
  ItemRunWriter run_;
  Condition can_send_;
  bool send_closed_ = false;
  bool started_ = false;

  ItemInbox inbox_;
  Condition can_receive_;
  bool receive_ended_ = false;
  bool discards_ = false;

  bool call_ended_ = false;
  int items_since_switch_ = 0;
};

}  // namespace tractor
