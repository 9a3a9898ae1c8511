#include "runtime/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "runtime/log_format.h"

namespace tractor::log {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"trace", "debug", "info", "warning", "error", "off"};
constexpr std::array<spdlog::level::level_enum, 6> kSpdlogLevels = {spdlog::level::trace, spdlog::level::debug,
                                                                    spdlog::level::info,  spdlog::level::warn,
                                                                    spdlog::level::err,   spdlog::level::off};

Level level_from_environment() {
  const char* text = std::getenv("TRACTOR_LOG");
  if (text == nullptr || *text == '\0') return Level::warning;
  try {
    return parse_level(text);
  } catch (const std::invalid_argument& e) {
    std::fprintf(stderr, "tractor: TRACTOR_LOG: %s\n", e.what());
    return Level::warning;
  }
}

std::atomic<Level>& current_level() {
  static std::atomic<Level> level{level_from_environment()};
  return level;
}

Format format_from_environment() {
  const char* text = std::getenv("TRACTOR_LOG_FORMAT");
  if (text == nullptr || *text == '\0') return Format::text;
  try {
    return parse_format(text);
  } catch (const std::invalid_argument& e) {
    std::fprintf(stderr, "tractor: TRACTOR_LOG_FORMAT: %s\n", e.what());
    return Format::text;
  }
}

std::atomic<Format>& current_format() {
  static std::atomic<Format> format{format_from_environment()};
  return format;
}

std::atomic<std::string (*)()> context_provider{nullptr};

// The context is "ACTOR [TASK] ", or a part of it.
std::string as_json_members(std::string_view context, std::string_view message) {
  const std::size_t open = context.find('[');
  const std::size_t close = context.rfind(']');
  const bool has_task = open != std::string_view::npos && close != std::string_view::npos && open < close;
  std::string members;
  if (has_task && open > 1) members += "\"actor\":" + json_string(context.substr(0, open - 1)) + ",";
  if (has_task) members += "\"task\":" + json_string(context.substr(open + 1, close - open - 1)) + ",";
  return members + "\"message\":" + json_string(message);
}

void set_pattern(spdlog::logger& logger, Format format) {
  if (format == Format::json) {
    logger.set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","pid":%P,%v})", spdlog::pattern_time_type::utc);
  } else {
    logger.set_pattern("%H:%M:%S.%e %^%l%$ %v");
  }
}

// Leaked on purpose: threads may log while the process ends.
spdlog::logger& logger() {
  static spdlog::logger* instance = [] {
    auto* l = new spdlog::logger("tractor", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    set_pattern(*l, current_format());
    l->set_level(spdlog::level::trace);
    l->flush_on(spdlog::level::trace);
    return l;
  }();
  return *instance;
}

}  // namespace

void to_console(Level level) { current_level() = level; }

Level level() { return current_level().load(std::memory_order_relaxed); }

std::string_view level_name(Level level) { return kNames[static_cast<std::size_t>(level)]; }

Level parse_level(std::string_view text) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == text) return static_cast<Level>(i);
  }
  throw std::invalid_argument("no log level \"" + std::string(text) +
                              "\"; there are trace, debug, info, warning, error and off");
}

void write(Level level, std::string_view message) {
  if (!enabled(level) || level == Level::off) return;
  std::string (*provider)() = context_provider.load(std::memory_order_relaxed);
  const std::string context = provider != nullptr ? provider() : std::string();
  const auto at = kSpdlogLevels[static_cast<std::size_t>(level)];
  if (current_format() == Format::json) {
    logger().log(at, "{}", as_json_members(context, message));
  } else {
    logger().log(at, "{}{}", context, message);
  }
}

void use_format(Format format) {
  current_format() = format;
  set_pattern(logger(), format);
}

void set_context(std::string (*context)()) { context_provider = context; }

}  // namespace tractor::log
