// Random trees of actors under random faults, by seed: what they do, and the oracle that looks at what is left.
//
// A tree grows, calls, streams, talks and cancels as its seed says, while the fault plan (TRACTOR_FAULT) with the same
// seed hurts its links and processes. Each operation is noted when it begins and how it ended; wrong answers are noted,
// too. Whatever happened, afterwards
//   - the root has ended by itself, in time, and neither a process, a descriptor nor a file is left,
//   - in each process that was not killed every operation that began has ended, and every monitor has told once,
//   - no call ran twice, and no answer was wrong.
#pragma once

#include <random>
#include <regex>

#include "tests/integration/harness.h"
#include "tests/integration/trace.h"

namespace tractor::test {

// --- in the actors ---

// What a tree does wrong on purpose, to see whether the oracle notices.
inline constexpr const char* kPlanted = "FOREST_PLANTED";
inline bool is_planted(const std::string& what) {
  const char* planted = std::getenv(kPlanted);
  return planted != nullptr && what == planted;
}

// Notes the operation, and how it ends. Cancellation goes on, an error does not.
template <class F>
void operate(const std::string& trace, const std::string& name, F&& operation) {
  note(trace, "begin " + name);
  const auto ended = [&](const std::string& how) {
    if (!(is_planted("lost end") && name.ends_with("call 1"))) note(trace, "end " + name + ": " + how);
  };
  try {
    operation();
    ended("ok");
  } catch (const Cancelled&) {
    ended("cancelled");
    throw;
  } catch (const std::exception& e) {
    ended(std::string("failed: ") + std::string(e.what()).substr(0, std::string(e.what()).find('\n')));
  }
}

inline int doubled(int n, const std::string& trace, const std::string& id) {
  note(trace, "ran " + id);
  return 2 * n;
}
inline void counting(Yield<int>& yield, int n) {
  for (int i = 0; i < n; ++i) yield(i);
}
inline void echo(Context<int, int>& context) {
  context.started();
  for (int n : context) context.send(n);
}

inline void call(Portal& to, const std::string& trace, const std::string& id) {
  if (to.run(doubled, 21, trace, id) != 42) note(trace, "wrong answer to " + id);
}
inline void stream(Portal& to, const std::string& trace, const std::string& id, int length) {
  int expected = 0;
  for (int item : to.run(counting, length)) {
    if (item != expected++) note(trace, "wrong item of " + id);
  }
  if (expected != length) note(trace, "wrong end of " + id);
}
inline void talk(Portal& to, const std::string& trace, const std::string& id) {
  auto dialog = to.open_context(echo);
  for (int i = 0; i < 20; ++i) {
    dialog.send(i);
    if (dialog.receive() != i) note(trace, "wrong echo of " + id);
  }
  dialog.close_send();
  dialog.result();
}

// Leaves a process behind that nobody knows of.
inline void leak() {
  if (fork() != 0) return;
  setsid();
  for (int descriptor = 0; descriptor < 1024; ++descriptor) close(descriptor);
  if (fork() == 0) execl("/bin/sleep", "sleep", "30", nullptr);
  _exit(0);
}

// Grows a tree of that depth below this actor, does something with it, and ends it.
inline void grow(std::uint64_t seed, int depth, const std::string& trace) {
  std::mt19937_64 chance(seed);
  const std::string self = current_actor().name();
  const NoteAtEnd down(trace, "down");
  note(trace, "up");
  const auto pick = [&](std::uint64_t n) { return static_cast<int>(chance() % n); };
  if (depth == 1 && is_planted("leak")) leak();
  std::vector<Monitor> monitors;
  const auto told = std::make_shared<std::size_t>(0);
  const auto wait_for_notices = [&] {
    CancelScope({.shield = true}).run([&] { eventually([&] { return *told >= monitors.size(); }, 5s); });
  };
  const auto play = [&](ActorNursery& nursery) {
    std::vector<Portal> children;
    const int width = 1 + pick(3);
    for (int i = 0; i < width; ++i) {
      const std::string name = self + "." + std::to_string(i);
      children.push_back(nursery.start_actor(name, {.modules = {"forest"}, .budget = 1s}));
      note(trace, "watch " + self + " " + name);
      monitors.push_back(children.back().monitor([trace, self, name, told](const Down&) {
        if (!(is_planted("lost notice") && name.ends_with(".0"))) note(trace, "told " + self + " " + name);
        ++*told;
      }));
    }
    open_task_nursery([&](TaskNursery& tasks) {
      for (Portal& child : children) {
        if (depth == 1) break;
        tasks.start_soon([&trace, &self, &child, depth, seed = chance()] {
          operate(trace, self + " grow " + child.channel().peer.name, [&] { child.run(grow, seed, depth - 1, trace); });
        });
      }
      for (int i = 0; i < 12; ++i) {
        const std::string id = self + " call " + std::to_string(i);
        Portal& child = children.at(static_cast<std::size_t>(pick(children.size())));
        tasks.start_soon([&trace, &child, id, kind = pick(4), length = 1 + pick(500), patience = 1 + pick(50)] {
          operate(trace, id, [&] {
            if (kind == 0) call(child, trace, id);
            if (kind == 1) stream(child, trace, id, length);
            if (kind == 2) talk(child, trace, id);
            if (kind == 3) move_on_after(patience * 1ms, [&] { stream(child, trace, id, 1'000'000); });
          });
        });
      }
    });
    nursery.cancel();
  };
  try {
    open_nursery(play);
  } catch (...) {
    wait_for_notices();
    throw;
  }
  wait_for_notices();
}

inline void define_forest(Program& p) {
  p.module("forest").def("grow", grow).def("doubled", doubled).def("counting", counting).def("echo", echo);
}

// The root: arguments are the seed and the trace.
inline int forest_main(const std::vector<std::string>& arguments) {
  const std::uint64_t seed = std::stoull(arguments.at(0));
  const std::string& trace = arguments.at(1);
  return program->main([&] {
    open_nursery([](ActorNursery& n) {
      n.start_actor("warm-up");
      n.cancel();
    });
    const std::size_t descriptors = open_descriptors().size();
    operate(trace, "root grow", [&] { grow(seed, 1 + static_cast<int>(seed % 3), trace); });
    if (!child_pids().empty()) note(trace, "wrong: a child is left: " + describe_process(child_pids().front()));
    if (!eventually([&] { return open_descriptors().size() <= descriptors; }, 15s))
      note(trace, "wrong: descriptors are left");
  });
}

// --- the oracle ---

class Forest : public RealProcesses {
 protected:
  struct Outcome {
    std::vector<std::string> findings = {};  // what is wrong
    std::map<std::string, int> faults = {};  // by kind
    std::size_t actors = 0;
    std::string log = {};
  };

  // Grows one tree.
  Outcome play(std::uint64_t seed, const std::string& planted = "") {
    const ScratchDirectory scratch;
    const Trace trace(scratch / "trace");
    const std::string plan =
        "TRACTOR_FAULT=seed=" + std::to_string(seed) +
        " delay=0.03:5ms drop=0.01 duplicate=0.04 break=0.015 kill=0.004 stop=0.015:50ms refuse=0.12";
    Outcome outcome;
    Process root = Process::as("forest", {std::to_string(seed), trace.path()},
                               {plan, "TRACTOR_RUNTIME_DIR=" + scratch.path(), kPlanted + ("=" + planted)});
    const std::optional<Exit> exit = root.wait(within(15s));
    outcome.log = root.err();
    if (!exit) {
      outcome.findings.push_back("the root does not end");
      killed_a_root();
    } else if (*exit != Exit{}) {
      outcome.findings.push_back("the root ended with " + testing::PrintToString(*exit));
    }
    look_at_what_is_left(root, scratch.path(), outcome.findings);
    look_at(trace, outcome);
    return outcome;
  }

 private:
  static void look_at_what_is_left(Process& root, const std::string& directory, std::vector<std::string>& findings) {
    const pid_t self = root.running() ? root.pid() : -1;
    const auto none_left = [&] {
      reap_orphans({root.pid()});
      const std::set<pid_t> left = descendants();
      return left.empty() || left == std::set<pid_t>{self};
    };
    if (!eventually(none_left, 3s * kSlowness)) {
      for (pid_t pid : descendants()) {
        findings.push_back("a process is left: " + describe_process(pid));
        kill(pid, SIGKILL);
      }
      eventually(none_left, 3s * kSlowness);
    }
    for (const std::string& path : left_in(directory)) {
      if (!path.ends_with("/trace")) findings.push_back("a file is left: " + path);
    }
  }

  static void look_at(const Trace& trace, Outcome& outcome) {
    struct Actor {
      bool down = false;
      std::map<std::string, int> open = {};     // operations, by name
      std::map<std::string, int> watches = {};  // notices that are to come
    };
    std::map<pid_t, Actor> actors;
    std::map<std::string, int> runs;
    for (const Trace::Line& line : trace.lines()) {
      Actor& actor = actors[line.pid];
      const std::string word = line.what.substr(0, line.what.find(' '));
      const std::string rest = line.what.substr(std::min(line.what.size(), word.size() + 1));
      if (word == "down") actor.down = true;
      if (word == "begin") ++actor.open[rest];
      if (word == "end") --actor.open[rest.substr(0, rest.find(':'))];
      if (word == "watch") ++actor.watches[rest];
      if (word == "told") --actor.watches[rest];
      if (word == "ran" && ++runs[rest] > 1) outcome.findings.push_back(rest + " ran twice");
      if (word == "wrong") outcome.findings.push_back(line.what);
    }
    outcome.actors = actors.size();
    const std::regex fault("fault: ([a-z]+),");
    for (std::sregex_iterator at(outcome.log.begin(), outcome.log.end(), fault); at != std::sregex_iterator(); ++at) {
      ++outcome.faults[(*at)[1]];
    }
    const bool somebody_was_killed = outcome.faults["kill"] > 0 || outcome.log.find("killed") != std::string::npos;
    for (const auto& [pid, actor] : actors) {
      if (!actor.down && actor.open.empty() && actor.watches.empty()) continue;  // it only served
      if (!actor.down) {
        if (!somebody_was_killed) outcome.findings.push_back("actor " + std::to_string(pid) + " never left its tree");
        continue;
      }
      for (const auto& [name, n] : actor.open) {
        if (n != 0) outcome.findings.push_back(name + " never ended");
      }
      for (const auto& [who, n] : actor.watches) {
        if (n != 0) outcome.findings.push_back("notices that are missing of " + who + ": " + std::to_string(n));
      }
    }
  }
};

}  // namespace tractor::test
