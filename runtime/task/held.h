// What a task must not wait with: a std::mutex that it has locked, or the initializer of a function-local static that
// it is in. Another task that wants the same would block the thread, and with it all tasks, for good.
//
// Debug builds (without NDEBUG and without a sanitizer, which has such functions of its own) count both, by standing
// before pthread_mutex_lock() and __cxa_guard_acquire() and their kin, and end the process when a task parks with one.
#pragma once

#include "runtime/task/sanitizers.h"

namespace tractor {

// By this thread.
struct Held {
  int mutexes = 0;
  int initializers = 0;
  bool operator==(const Held&) const = default;
};

#if defined(NDEBUG) || defined(TRACTOR_SANITIZED)
inline constexpr bool kCountsHeld = false;
inline constexpr Held held_here;
#else
inline constexpr bool kCountsHeld = true;
extern constinit thread_local Held held_here;
#endif

class Task;
// Says which task waits with what, and where; aborts.
[[noreturn]] void end_because_of_held(const Task& task, const Held& outside);

}  // namespace tractor
