// LedgerEvent to and from its wire form. Any thread.
#pragma once

#include "runtime/wire/ledger_event.h"
#include "tractor/v1/ledger.pb.h"

namespace tractor {

// Long texts are cut, whoever has written them: an event has at most about 10 kB.
v1::LedgerEvent encode(const LedgerEvent& from);
LedgerEvent decode(const v1::LedgerEvent& from);
google::protobuf::Timestamp encode(std::chrono::system_clock::time_point from);
std::chrono::system_clock::time_point decode(const google::protobuf::Timestamp& from);

}  // namespace tractor
