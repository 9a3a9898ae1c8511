// What the actors of the cancel and fault tests do: module "work". Each notes "<who> begins" and, from a destructor,
// "<who> ends".
#pragma once

#include "trace.h"

namespace tractor::test {

inline int own_pid() { return getpid(); }
inline std::string ping() { return "pong"; }
inline void fail_with(const std::string& text) { throw std::runtime_error(text); }

// The endless call.
inline void until_cancelled(const std::string& trace, const std::string& who) {
  const NoteAtEnd ends(trace, who + " ends");
  note(trace, who + " begins");
  sleep_forever();
}

// Takes that long, shielded, when it is cancelled.
inline void finish_work(const std::string& trace, const std::string& who, std::chrono::milliseconds duration) {
  const NoteAtEnd ends(trace, who + " ends");
  note(trace, who + " begins");
  try {
    sleep_forever();
  } catch (const Cancelled&) {
    note(trace, who + " is told");
    CancelScope({.shield = true}).run([&] { tractor::sleep(duration); });
    note(trace, who + " has finished");
    throw;
  }
}

// The computation that never checks.
inline void compute_forever(const std::string& trace, const std::string& who) {
  const NoteAtEnd ends(trace, who + " ends");
  note(trace, who + " begins");
  for (std::atomic<std::uint64_t> i = 0;; i.fetch_add(1, std::memory_order_relaxed)) {
  }
}

// Begins and stops its own process, so that only SIGCONT brings it back.
inline void stop_itself(const std::string& trace, const std::string& who) {
  const NoteAtEnd ends(trace, who + " ends");
  note(trace, who + " begins");
  kill(getpid(), SIGSTOP);
  sleep_forever();
}

// What the lowest actor of a tree does.
inline void leaf(const std::string& trace, const std::string& who, const std::string& what) {
  if (what == "waits") until_cancelled(trace, who);
  if (what == "computes") compute_forever(trace, who);
  if (what == "stops") stop_itself(trace, who);
  if (what == "fails") fail_with(who + " failed");
  throw std::runtime_error("a leaf does not know how to " + what);
}

// A tree as deep as that: each actor starts the next one, "<who>.1", and waits; the lowest one `does`, and so do the
// others after a '+' ("computes+computes": both). Each begins when the one below it serves.
inline void branch(const std::string& trace, const std::string& who, int depth, const std::string& does) {
  if (depth == 0) return leaf(trace, who, does.substr(0, does.find('+')));
  const NoteAtEnd ends(trace, who + " ends");
  open_nursery([&](ActorNursery& n) {
    n.run_in_actor(who + ".1", branch, trace, who + ".1", depth - 1, does);
    if (const std::size_t plus = does.find('+'); plus != std::string::npos) {
      if (!Trace(trace).comes(who + ".1 begins")) throw std::runtime_error(who + ".1 did not begin");
      leaf(trace, who, does.substr(plus + 1));
    }
    note(trace, who + " begins");
    sleep_forever();
  });
}

// How much of its caller's deadline an actor sees, and those below it, each called by the one before; in nanoseconds,
// nearest first.
inline std::vector<std::int64_t> time_left(int below) {
  const Clock::time_point deadline = current_effective_deadline();
  std::vector<std::int64_t> left = {deadline == Clock::kNever ? -1 : (deadline - Clock::now()).count()};
  if (below == 0) return left;
  return open_nursery([&](ActorNursery& n) {
    Portal next = n.start_actor("next", {.modules = {"work"}});
    for (std::int64_t its : next.run(time_left, below - 1)) left.push_back(its);
    next.cancel_actor();
    return left;
  });
}

inline void define_work(Program& program) {
  program.module("work")
      .def("own_pid", own_pid)
      .def("ping", ping)
      .def("fail_with", fail_with)
      .def("until_cancelled", until_cancelled)
      .def("finish_work", finish_work)
      .def("compute_forever", compute_forever)
      .def("stop_itself", stop_itself)
      .def("branch", branch)
      .def("time_left", time_left);
}

inline bool process_exists(pid_t pid) { return !process_state(pid).empty(); }

// Whether a line of /proc/PID/status that is a set of signals has that one: "SigCgt" (has a handler), "SigPnd",
// "ShdPnd" (waits for delivery).
inline bool has_signal(pid_t pid, const std::string& line_name, int signal) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(line_name + ":"))
      return (std::stoull(line.substr(line_name.size() + 1), nullptr, 16) >> (signal - 1) & 1) != 0;
  }
  return false;
}

}  // namespace tractor::test
