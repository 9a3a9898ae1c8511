// The frame of the integration tests: programs that start themselves again as child actors, so they bring their own
// main.
//
//   std::string hi() { ... }
//   void define(tractor::Program& program) { program.module("scene").def("hi", hi); }
//   TRACTOR_TEST_MAIN(define)
//
//   using Calling = tractor::test::RealProcesses;
//   TEST_F(Calling, A01_...) { run([] { ... }); }
//
// Each test has a runtime directory of its own, so that it never meets another's arbiter, and may run the program
// several times, one after the other. After each test an oracle checks that nothing is left: no process, no descriptor,
// no socket, no tree's directory. A test that needs a second program registers a scenario, TRACTOR_SCENARIO(name) {
// ...; return status; }, and starts it with Process::as("name").
#pragma once

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>

#include "process.h"
#include "runtime/task/sanitizers.h"

namespace tractor::test {

// The one program of this process; made by TRACTOR_TEST_MAIN.
inline Program* program = nullptr;

// --- scenarios: what this binary does as `--as NAME` ---

using Scenario = std::function<int(std::vector<std::string> arguments)>;
inline std::map<std::string, Scenario>& scenarios() {
  static std::map<std::string, Scenario> all;
  return all;
}
struct RegisterScenario {
  RegisterScenario(const char* name, Scenario scenario) { scenarios().emplace(name, std::move(scenario)); }
};
// TRACTOR_SCENARIO(listener) { return program->main([] { ... }); }     `arguments` are those after the name.
#define TRACTOR_SCENARIO(name)                                                                     \
  static int scenario_##name(const std::vector<std::string>& arguments);                           \
  static const ::tractor::test::RegisterScenario register_scenario_##name(#name, scenario_##name); \
  static int scenario_##name([[maybe_unused]] const std::vector<std::string>& arguments)

inline int test_main(int argc, char** argv, void (*define)(Program&)) {
  Program the_program(argc, argv);
  program = &the_program;
  define(the_program);
  the_program.serve_if_child();
  if (argc >= 3 && std::string(argv[1]) == "--as") {
    const auto scenario = scenarios().find(argv[2]);
    if (scenario == scenarios().end()) {
      std::cerr << "no scenario " << argv[2] << '\n';
      return 2;
    }
    return scenario->second({argv + 3, argv + argc});
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
#define TRACTOR_TEST_MAIN(define) \
  int main(int argc, char** argv) { return ::tractor::test::test_main(argc, argv, define); }

// --- small words of the tests ---

// The E that `f` throws. Anything else fails the test and goes on as an exception.
template <class E, class F>
E thrown(F&& f) {
  try {
    static_cast<void>(f());
  } catch (const E& e) {
    return e;
  }
  ADD_FAILURE() << "nothing was thrown";
  throw std::runtime_error("nothing was thrown");
}

// thrown<RemoteActorError>, as most tests want it.
template <class F>
RemoteActorError remote_error(F&& f) {
  return thrown<RemoteActorError>(std::forward<F>(f));
}
template <class F>
std::string usage_error(F&& f) {
  return thrown<UsageError>(std::forward<F>(f)).what();
}

inline testing::AssertionResult contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "no \"" << part << "\" in: " << text;
}

// Under a sanitizer everything takes several times longer.
inline constexpr int kSlowness = kSanitized ? 5 : 1;

// --- the fixture ---

// A new directory under /tmp, removed with all that is in it.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = "/tmp/tractor-test-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
    path_ = name;
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  // The path of a new file there.
  std::string file(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    std::ofstream(*this / name) << text;
    chmod((*this / name).c_str(), mode);
    return *this / name;
  }

 private:
  std::string path_;
};

// What a tree leaves in its runtime directory that it should not: all but the lock files, which stay.
inline std::vector<std::string> left_in(const std::string& directory) {
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string name = entry.path().filename();
    if (name != "lock" && !name.ends_with(".lock")) left.push_back(entry.path());
  }
  return left;
}

class RealProcesses : public testing::Test {
 protected:
  // A test that takes longer hangs; it is ended with a message, and its children end themselves.
  static constexpr unsigned kTestLimitSeconds = kSanitized ? 250 : 100;

  RealProcesses() {
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);  // what a killed root leaves behind becomes ours, so that we see it
    setenv("TRACTOR_RUNTIME_DIR", runtime_directory_.path().c_str(), 1);
    for (const char* variable : {"TRACTOR_ARBITER", "TRACTOR_CREDENTIAL_FILE"}) unsetenv(variable);
    warm_up();
    signal(SIGALRM, [](int) {
      static constexpr char kMessage[] = "\nthis test hangs: ended by its alarm\n";
      static_cast<void>(!write(STDERR_FILENO, kMessage, sizeof kMessage - 1));
      abort();
    });
    alarm(kTestLimitSeconds);
    descriptors_ = open_descriptors();
  }
  ~RealProcesses() override {
    alarm(0);
    unsetenv("TRACTOR_RUNTIME_DIR");
  }

  void TearDown() override {
    if (killed_a_root_) {
      EXPECT_TRUE(eventually([] { return reap_orphans(), child_pids().empty(); }, 3s * kSlowness))
          << "processes survive their root";
    }
    for (pid_t pid : descendants()) ADD_FAILURE() << "left behind: process " << describe_process(pid);
    if (!killed_a_root_) {
      for (const std::string& path : left_in(runtime_directory())) ADD_FAILURE() << "left behind: " << path;
    }
    if (!keeps_descriptors_) check_descriptors();
  }

  // Runs the program here, as a root with the test's runtime directory; its value and its errors are those of `body`.
  template <class F, class... A>
  requires(!std::is_same_v<std::decay_t<F>, RunOptions>) auto run(F&& body, A&&... arguments) {
    return program->run(std::forward<F>(body), std::forward<A>(arguments)...);
  }
  template <class F, class... A>
  auto run(RunOptions options, F&& body, A&&... arguments) {
    return program->run(std::move(options), std::forward<F>(body), std::forward<A>(arguments)...);
  }

  // Runs the program with one daemon, frank, for as long as `body` runs.
  template <class F>
  void with_daemon(ActorOptions options, F&& body) {
    run([&] {
      open_nursery([&](ActorNursery& n) {
        Portal frank = n.start_actor("frank", std::move(options));
        body(frank);
        frank.cancel_actor();
      });
    });
  }

  const std::string& runtime_directory() const { return runtime_directory_.path(); }

  // To be said by a test that kills -9 a root: what was below it has 3 s to end, and files stay for the next start to
  // sweep.
  void killed_a_root() { killed_a_root_ = true; }
  // The next start sweeps what a killed root has left; or one after it: a process is a zombie a moment before its last
  // thread closes its files, among them the lock of its tree's directory.
  void expect_next_start_sweeps() {
    killed_a_root();
    EXPECT_TRUE(eventually([this] { return run([] {}), left_in(runtime_directory()).empty(); }, 1s * kSlowness))
        << testing::PrintToString(left_in(runtime_directory()));
  }
  // For the rare test that has a reason to leave some open; say which.
  void keeps_descriptors() { keeps_descriptors_ = true; }

 private:
  // gRPC and Asio keep some descriptors for the life of the process, from their first use on.
  static void warm_up() {
    static const bool once = [] {
      program->run([] {
        open_nursery([](ActorNursery& n) {
          n.start_actor("warm-up");
          n.cancel();
        });
      });
      return true;
    }();
    static_cast<void>(once);
  }

  // gRPC closes some later: after a write that had to wait its backup poller keeps what it polls for another 10 s.
  void check_descriptors() {
    const auto grown = [this] {
      std::string text;
      for (const auto& [number, target] : open_descriptors()) {
        if (!descriptors_.contains(number)) text += " " + std::to_string(number) + "=" + target;
      }
      return open_descriptors().size() > descriptors_.size() ? text : "";
    };
    EXPECT_TRUE(eventually([&] { return grown().empty(); }, 15s)) << "left behind: descriptors" << grown();
  }

  ScratchDirectory runtime_directory_;
  std::map<int, std::string> descriptors_;
  bool killed_a_root_ = false;
  bool keeps_descriptors_ = false;
};

}  // namespace tractor::test
