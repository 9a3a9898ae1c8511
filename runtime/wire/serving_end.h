// The end of a link that carries out what the other one calls (link_end.h). Loop thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string_view>
#include <unordered_map>

#include "runtime/task/task_nursery.h"
#include "runtime/wire/call_handler.h"
#include "runtime/wire/link_end.h"

namespace tractor {

class ServingEnd final : public LinkEnd {
 public:
  // Calls run in tasks of `calls`, until close().
  ServingEnd(Carrier& carrier, CallHandler& handler, TaskNursery& calls)
      : LinkEnd(carrier, handler.self()), handler_(handler), nursery_(&calls) {}

  // The actor is ending: asks for no more calls. Those that come nevertheless are served while the nursery is open.
  void go_away();
  // Right after the nursery has ended. Calls that come now are told that the actor shuts down.
  void close() { nursery_ = nullptr; }
  // Nobody reads any more.
  void break_off() { stop_sending(); }
  // After all calls were cancelled: nobody sends or takes items any more, which is told who waits for that all the
  // same.
  void end_items();

 private:
  struct Call;
  void on_frame(const Frame& frame) override;
  void on_first_piece(std::uint64_t call) override;
  void open(std::uint64_t number, std::string_view body);
  void cancel_before_it_opens(std::uint64_t number);
  void serve(std::uint64_t number, Call& call);
  // Its terminal frame.
  void finish(std::uint64_t number, std::string_view frame);
  void fail(std::uint64_t number, const ErrorInfo& error);

  CallHandler& handler_;
  TaskNursery* nursery_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Call>> calls_;
  std::uint64_t last_call_ = 0;
  std::set<std::uint64_t> opening_;  // whose first pieces have come, and not all
};

}  // namespace tractor
