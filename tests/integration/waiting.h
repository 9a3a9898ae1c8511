// A function that waits until it is cancelled, and counts how often it was in its actor: the proof that a call which
// was given up has unwound.
#pragma once

#include <tractor/tractor.h>

namespace tractor::test {

inline int ended_by_cancel = 0;
inline void wait_forever() {
  try {
    sleep_forever();
  } catch (const Cancelled&) {
    ++ended_by_cancel;
    throw;
  }
}
inline int count_ended_by_cancel() { return ended_by_cancel; }

}  // namespace tractor::test
