// Runs a function as the root task of a scheduler on virtual time. Returns when it has ended; throws what it threw.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>

#include "runtime/task/scheduler.h"
#include "runtime/task/virtual_port.h"

namespace tractor {

inline void run_virtual(std::function<void()> main) {
  VirtualPort port;
  Scheduler scheduler(port);
  scheduler.run(std::move(main));
}

// The same where other threads post: waiting without a deadline blocks.
inline void run_with_threads(std::function<void()> main) {
  VirtualPort port;
  port.expect_other_threads(true);
  Scheduler scheduler(port);
  scheduler.run(std::move(main));
}

// The same with ready tasks in the random order of `seed`.
inline void run_shuffled(std::uint64_t seed, std::function<void()> main) {
  VirtualPort port;
  Scheduler scheduler(port, {.random_order_seed = seed});
  scheduler.run(std::move(main));
}

// Runs `main` in as many orders as there are seeds, or in that of TRACTOR_TEST_SEED alone, as a failure says.
inline void run_in_many_orders(std::uint64_t seeds, const std::function<void()>& main) {
  const char* wanted = std::getenv("TRACTOR_TEST_SEED");
  const std::uint64_t first = wanted != nullptr ? std::stoull(wanted) : 1;
  const std::uint64_t last = wanted != nullptr ? first : seeds;
  for (std::uint64_t seed = first; seed <= last && !testing::Test::HasFailure(); ++seed) {
    const testing::ScopedTrace trace(__FILE__, __LINE__, "TRACTOR_TEST_SEED=" + std::to_string(seed));
    try {
      run_shuffled(seed, main);
    } catch (...) {
      ADD_FAILURE() << describe(std::current_exception());
    }
  }
}

// What a task does that waits until it is cancelled, and counts that.
inline void wait_and_count(int& cancelled) {
  try {
    sleep_forever();
  } catch (const Cancelled&) {
    ++cancelled;
    throw;
  }
}

}  // namespace tractor
