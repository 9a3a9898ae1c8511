#include "runtime/wire/hybrid_clock.h"

#include <algorithm>

namespace tractor {
namespace {

constexpr int kCountBits = 12;
// The year 2103. What claims to be later is no time, and would leave no room for any.
constexpr std::uint64_t kFurthest = ~std::uint64_t{0} - (~std::uint64_t{0} >> 4);

std::chrono::microseconds system_time() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch());
}

}  // namespace

std::chrono::microseconds HybridClock::wall_time(std::uint64_t time) {
  return std::chrono::microseconds(time >> kCountBits);
}

std::uint64_t HybridClock::at(std::chrono::microseconds since_1970) {
  const auto microseconds = std::max<std::int64_t>(since_1970.count(), 0);
  return static_cast<std::uint64_t>(microseconds) << kCountBits;
}

std::uint64_t HybridClock::tick() {
  const std::uint64_t wall = at(wall_());
  std::uint64_t last = last_.load(std::memory_order_relaxed);
  std::uint64_t next = 0;
  do {
    next = std::max(wall, last + 1);
  } while (!last_.compare_exchange_weak(last, next, std::memory_order_relaxed));
  return next;
}

std::uint64_t HybridClock::now() { return std::max(at(wall_()), last_.load(std::memory_order_relaxed)); }

void HybridClock::observe(std::uint64_t time) {
  if (time > kFurthest) return;
  std::uint64_t last = last_.load(std::memory_order_relaxed);
  while (last < time && !last_.compare_exchange_weak(last, time, std::memory_order_relaxed)) continue;
}

HybridClock& hybrid_clock() {
  static HybridClock clock(system_time);
  return clock;
}

}  // namespace tractor
