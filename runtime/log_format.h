// How log lines look: text for people, or JSON for what gathers logs, one object a line:
//
//   {"time":"2023-05-01T12:01:07.412Z","level":"info","pid":4711,"actor":"donny@7f3a","task":"say_hello#12",
//    "message":"cancelled by gretchen@91bc"}                                             (on one line)
//
// "actor" and "task" are left out where there is none. The format comes from TRACTOR_LOG_FORMAT (text, json; default
// text); children inherit it.
#pragma once

#include <string>
#include <string_view>

namespace tractor::log {

enum class Format { text, json };

// From now on. The argument wins over TRACTOR_LOG_FORMAT.
void use_format(Format format);

// "text" or "json". Throws std::invalid_argument, naming the text and the formats.
Format parse_format(std::string_view text);

// As a JSON string, quotes included. What is no UTF-8 becomes U+FFFD, a byte each.
std::string json_string(std::string_view text);

}  // namespace tractor::log
