// Texts of programs on their way to others: protobuf's strings hold valid UTF-8 only, and nothing may grow without
// bounds. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace tractor {

// What is not valid UTF-8 as \xHH.
std::string utf8_text(std::string_view raw);

// As much of a text as `limit` bytes hold, cut between characters, with the number of bytes that there were; nothing
// when there is no room to say that.
std::string cut_text(std::string_view whole, std::size_t limit);

// Control characters, line ends among them, as \xHH: for a line of a log.
std::string one_line(std::string_view text);

// Why something is cancelled, as it travels.
std::string reason_text(std::string_view reason);

}  // namespace tractor
