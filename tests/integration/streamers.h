// What streaming functions of several tests do.
#pragma once

#include "trace.h"

namespace tractor::test {

// Waits, when it is cancelled, for 200 ms that it has shielded.
inline void shielded_end(Yield<int>& yield, const std::string& trace) {
  const NoteAtEnd ends(trace, "generator ends");
  try {
    yield(1);
    sleep_forever();
  } catch (const Cancelled&) {
    note(trace, "generator is told");
    CancelScope({.shield = true}).run([] { tractor::sleep(200ms); });
    throw;
  }
}

// Says what each wrong use of a dialog throws.
inline std::string misuse(Context<int, int>& caller) {
  const auto message = [](const std::function<void()>& f) {
    try {
      f();
    } catch (const Error& e) {
      return std::string(e.what()) + "; ";
    }
    return std::string("nothing; ");
  };
  std::string said;
  caller.started(1);
  said += message([&] { caller.started(2); });
  caller.close_send();
  said += message([&] { caller.send(1); });
  while (caller.next()) {
  }
  said += message([&] { caller.receive(); });
  return said;
}

}  // namespace tractor::test
