// What happened to an actor, as the arbiter's ledger has it (proto/tractor/v1/ledger.proto). Plain data, any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "runtime/wire/remote_error.h"

namespace tractor {

struct LedgerEvent {
  // The numbers are those of tractor.v1.LedgerEventKind.
  enum class Kind {
    unknown = 0,  // of a later version
    spawned,      // its process was started
    serving,      // it can be called
    cancelled,    // it was asked to end
    failed,       // it did not start, failed, or died
    restarted,    // its supervisor has started another in its place: `actor` is the new one
    ended,        // its process is gone
    lost,         // the arbiter lost the connection to its tree, which did not say goodbye
    call_failed,  // a call that it served
  };
  Kind kind = Kind::unknown;
  ActorRef actor = {};          // whom it is about
  ActorRef by = {};             // who spawned or cancelled it, or called the function; empty when nobody is known
  std::string function = {};    // of a failed call
  std::string error_type = {};  // of what failed
  std::string message = {};     // why; cut where it is long
  std::int64_t pid = 0;
  // Failed calls of that function: this one, and those since the last that was told of, a second ago or more.
  std::uint32_t count = 1;

  // A HybridClock's time: what happened because of something else has a larger one. With `recorder`, the one who saw
  // it, it is this event's only.
  std::uint64_t clock = 0;
  ActorRef recorder = {};
  std::string host = {};     // of the recorder
  std::string tree_id = {};  // the id of its tree's root; empty until the arbiter has it

  // `clock` as time of day.
  std::chrono::system_clock::time_point time() const;

  bool operator==(const LedgerEvent&) const = default;
};

// "2026-11-27T20:15:00.123456Z donny@7f3a cancelled by root@12ab: its nursery was cancelled".
std::string to_string(const LedgerEvent& event);
// "call_failed"; std::invalid_argument, with all names, for a text that is none.
std::string to_string(LedgerEvent::Kind kind);
LedgerEvent::Kind parse_ledger_kind(const std::string& name);

}  // namespace tractor
