// What the tests of supervisors share: what their children do, module "kids" and "work".
#pragma once

#include "work.h"

namespace tractor::test {

// --- what the children do ---

// Grows with every start on this machine, so it tells who was started first.
inline std::int64_t incarnation() { return static_cast<std::int64_t>(current_actor().info().incarnation); }
inline std::string hi() { return "I am " + current_actor().name(); }
inline void return_at_once(const std::string& trace, const std::string& who) { note(trace, who + " returns"); }
inline void fail_after_note(const std::string& trace, const std::string& who) {
  note(trace, who + " fails");
  fail_with("the film is torn");
}
inline int add_up(int a, int b) {
  current_actor().statespace()["sum"] = a + b;
  sleep_forever();
}
inline void fail_when_stopped(const std::string& trace, bool dies) {
  note(trace, "begins");
  try {
    sleep_forever();
  } catch (const Cancelled&) {
    note(trace, "is told");
  }
  if (dies) raise(SIGKILL);
  throw std::runtime_error("cannot clean up");
}
inline void sleep_forever_in_child() { sleep_forever(); }
inline bool knows_sum() { return current_actor().statespace().contains("sum"); }
inline std::int64_t sum() { return Codec<std::int64_t>::decode(current_actor().statespace().at("sum")); }

inline const SupervisorOptions kPatient{.intensity = 100, .period = 10s, .backoff = {.first = 0ms}};
inline const ChildOptions kDaemon{.modules = {"kids", "work"}};

// A supervisor in a child: it has one leaf, which may be restarted once.
inline void inner(const std::string& trace) {
  const NoteAtEnd ends(trace, "inner ends");
  Supervisor supervisor;
  supervisor.add("leaf", kDaemon, until_cancelled, trace, "leaf");
  open_nursery(supervisor, [&] {
    note(trace, "inner begins");
    sleep_forever();
  });
}

// Children that start while TEST_FAIL_FROM is set: the first so many serve, the others do not; "hang": they take
// forever.
inline void start_badly() {
  const char* from = std::getenv("TEST_FAIL_FROM");
  const char* trace = std::getenv("TEST_STARTS");
  if (from == nullptr || trace == nullptr || std::getenv("TRACTOR_CHILD") == nullptr) return;
  note(trace, "starts");
  if (std::string(from) == "hang") std::this_thread::sleep_for(1h);
  if (Trace(trace).count("starts") < std::stoi(from)) return;
  if (const char* after = std::getenv("TEST_FAIL_AFTER")) {  // those before it have begun
    for (const char* who : {"a begins", "b begins"}) Trace(after).comes(who);
  }
  std::_Exit(3);
}

class Supervised : public TracedProcesses {
 protected:
  Supervised() { setenv("TEST_STARTS", starts_.path().c_str(), 1); }
  ~Supervised() override {
    for (const char* variable : {"TEST_FAIL_FROM", "TEST_FAIL_AFTER"}) unsetenv(variable);
  }
  // "1": none serves from now on.
  static void fail_from(const char* which) { setenv("TEST_FAIL_FROM", which, 1); }
  static void all_serve() { unsetenv("TEST_FAIL_FROM"); }
  long starts() const { return starts_.count("starts"); }

  Trace starts_{scratch_ / "starts"};
};

inline SupervisedChild child_of(const Supervisor& supervisor, const std::string& name) {
  for (SupervisedChild& child : supervisor.which_children()) {
    if (child.name == name) return std::move(child);
  }
  throw std::runtime_error("no child " + name);
}
using State = RestartPlan::State;

// The process of a child's incarnation, which must be another one than `before`.
inline pid_t pid_of(Supervisor& supervisor, const std::string& name, pid_t before = -1) {
  std::optional<pid_t> pid;
  eventually([&] {
    const SupervisedChild child = child_of(supervisor, name);
    if (child.state == State::running && child.pid != before) pid = child.pid;
    return pid.has_value();
  });
  if (!pid) throw std::runtime_error(name + " is not started again");
  return *pid;
}
// Kills it and waits until the next incarnation serves.
inline void kill_and_wait(Supervisor& supervisor, const std::string& name) {
  const pid_t pid = pid_of(supervisor, name);
  kill(pid, SIGKILL);
  pid_of(supervisor, name, pid);
}
// Kills the process that was the nth to note that, when it has.
inline void kill_nth(const Trace& trace, const std::string& what, long nth) {
  EXPECT_TRUE(eventually([&] { return trace.count(what) == nth; })) << trace.text();
  for (const Trace::Line& line : trace.lines()) {
    if (line.what == what && --nth == 0) kill(line.pid, SIGKILL);
  }
}
inline std::vector<std::int64_t> incarnations(Supervisor& supervisor, const std::vector<std::string>& names) {
  std::vector<std::int64_t> all;
  for (const std::string& name : names) all.push_back(supervisor.portal(name).run(incarnation));
  return all;
}
inline std::exception_ptr nested_in(const SupervisorError& error) {
  try {
    std::rethrow_if_nested(error);
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}
// What open_nursery throws; with the nested failure's text.
inline std::pair<std::string, std::string> supervisor_error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const SupervisorError& error) {
    const std::exception_ptr nested = nested_in(error);
    return {error.what(), nested == nullptr ? "" : describe(nested)};
  }
  ADD_FAILURE() << "no SupervisorError";
  return {};
}

inline void define_kids(Program& p) {
  start_badly();
  define_work(p);
  p.module("kids")
      .def("incarnation", incarnation)
      .def("hi", hi)
      .def("return_at_once", return_at_once)
      .def("fail_after_note", fail_after_note)
      .def("add_up", add_up)
      .def("sum", sum)
      .def("fail_when_stopped", fail_when_stopped)
      .def("knows_sum", knows_sum)
      .def("sleep_forever", sleep_forever_in_child)
      .def("inner", inner);
}

}  // namespace tractor::test
