#include "runtime/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <stdexcept>

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

std::atomic<std::string (*)()> context_provider{nullptr};

// Leaked on purpose: threads may log while the process ends.
spdlog::logger& logger() {
  static spdlog::logger* instance = [] {
    auto* l = new spdlog::logger("tractor", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    l->set_pattern("%H:%M:%S.%e %^%l%$ %v");
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
  std::string (*context)() = context_provider.load(std::memory_order_relaxed);
  logger().log(kSpdlogLevels[static_cast<std::size_t>(level)], "{}{}", context != nullptr ? context() : std::string(),
               message);
}

void set_context(std::string (*context)()) { context_provider = context; }

}  // namespace tractor::log
