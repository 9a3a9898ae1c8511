// Values to and from the bytes of a tractor.v1.Value (proto/tractor/v1/value.proto). Any thread.
//
// Written and read here, not by the generated messages: these keep a map as a hash table of messages, each field with
// its own allocations. A described struct of ten members there and back took 4.8 us through them and takes 1.6 us so;
// on an arena, and with entries in a list for the hash table, the messages still took half of what they did.
// tests/runtime/wire/value_wire_test.cc compares the two byte by byte.
#pragma once

#include <string>
#include <string_view>

#include "runtime/wire/value.h"
#include "runtime/wire/wire_format.h"

namespace tractor {

// How deep lists and maps may stand in each other.
inline constexpr int kMaxNesting = 128;
// How deep they do in one message: protobuf's parsers stop at 100 messages, and a level of a map takes three. What
// stands deeper travels as the bytes of a message of its own (proto/tractor/v1/value.proto).
inline constexpr int kNestingOfMessage = 30;

// Text that is not valid UTF-8 becomes bytes. Throws CallError(invalid_argument) for what cannot travel: a value nested
// deeper than kMaxNesting, a map key that is no valid UTF-8.
std::string to_wire(const Value& value);
// The same as the content of a message that is being written.
void write_value(const Value& value, BackwardWriter& to);
// Fields that are not known here are skipped. Throws CallError(invalid_argument) for a value nested deeper than
// kMaxNesting, and for what is no tractor.v1.Value.
Value from_wire(std::string_view bytes);

}  // namespace tractor
