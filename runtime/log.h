// Logging: lines to stderr with time, level, actor and task, from any thread.
//
//   12:01:07.412 INFO donny@7f3a [say_hello#12] cancelled by gretchen@91bc
//
// The level comes from TRACTOR_LOG (trace, debug, info, warning, error, off; default warning); children start with that
// of their parent.
// spdlog does the work.
#pragma once

#include <string>
#include <string_view>

namespace tractor::log {

enum class Level { trace, debug, info, warning, error, off };

// Logs what is at least this important from now on. The argument wins over TRACTOR_LOG.
void to_console(Level level);
Level level();
inline bool enabled(Level at) { return at >= level(); }

// "trace" ... "off". parse_level throws std::invalid_argument, naming the text and the levels.
std::string_view level_name(Level level);
Level parse_level(std::string_view text);

void write(Level level, std::string_view message);
inline void trace(std::string_view message) { write(Level::trace, message); }
inline void debug(std::string_view message) { write(Level::debug, message); }
inline void info(std::string_view message) { write(Level::info, message); }
inline void warning(std::string_view message) { write(Level::warning, message); }
inline void error(std::string_view message) { write(Level::error, message); }

// Who logs: set by the runtime; called on the logging thread for each line that is written.
void set_context(std::string (*context)());

}  // namespace tractor::log
