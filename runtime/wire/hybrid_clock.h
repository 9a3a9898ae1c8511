// A hybrid logical clock: it tells the time of this process' host, and never less than what caused something.
//
// After Kulkarni, Demirbas et al., "Logical Physical Clocks and Consistent Snapshots" (2014). A time is one number:
// microseconds since 1970 in the upper 52 bits, a count in the lower 12 that runs over into them. Every message between
// actors carries its sender's time, and its receiver goes on from there: so events in the order of these clocks are in
// the order of cause and effect, also when a host's clock is wrong. It is ahead of the host's clock by no more than the
// clock of any host that was heard of. Any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

namespace tractor {

class HybridClock {
 public:
  using WallClock = std::function<std::chrono::microseconds()>;  // since 1970
  explicit HybridClock(WallClock wall) : wall_(std::move(wall)) {}

  // The time of something that happens now: larger than every one before, and than all that were observed.
  std::uint64_t tick();
  // For a message: not less than any tick before.
  std::uint64_t now();
  // What a message brought. Of no effect from the year 2103 on.
  void observe(std::uint64_t time);

  // What part of a time is the host's clock, or was some host's.
  static std::chrono::microseconds wall_time(std::uint64_t time);
  static std::uint64_t at(std::chrono::microseconds since_1970);

  // From now on, for tests. Not while other threads use it.
  void set_wall_clock(WallClock wall) { wall_ = std::move(wall); }

 private:
  WallClock wall_;
  std::atomic<std::uint64_t> last_ = 0;
};

// This process'.
HybridClock& hybrid_clock();

}  // namespace tractor
