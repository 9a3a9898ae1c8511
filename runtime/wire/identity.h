// Who an actor is, and random ids. Any thread.
#pragma once

#include <cstdint>
#include <string>

namespace tractor {

// 16 hexadecimal digits from the system's random source: unique among all actors, calls and errors there will be.
std::string random_id();

// Grows with every start on this host: the wall clock in nanoseconds.
std::uint64_t new_incarnation();

// This machine's name, for people.
std::string host_name();

}  // namespace tractor
