// Other processes, for tests: another binary, or this one in a special role, as a root of its own; and what /proc says
// about ours.
//
// A Process is started in a session of its own, so that the runtime under test does not take it for an actor of its
// tree. Its output goes to memory files, which can be read at any time. Loop thread or any other; waiting inside a task
// lets other tasks run.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <tractor/tractor.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace tractor::test {

using namespace std::chrono_literals;

// Asks until it is true or the time is over; true when it was.
template <class F>
bool eventually(F&& predicate, std::chrono::nanoseconds timeout = 10s) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (!predicate()) {
    if (std::chrono::steady_clock::now() > end) return predicate();
    if (Scheduler::try_current() != nullptr) {
      tractor::sleep(2ms);
    } else {
      std::this_thread::sleep_for(2ms);
    }
  }
  return true;
}

// --- what /proc says ---

inline std::vector<pid_t> child_pids(pid_t of = getpid()) {
  std::vector<pid_t> pids;
  std::error_code ignored;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(of) + "/task", ignored)) {
    std::ifstream list(thread.path() / "children");
    for (pid_t pid = 0; list >> pid;) pids.push_back(pid);
  }
  return pids;
}

// Children, their children and so on, zombies included.
inline std::set<pid_t> descendants(pid_t of = getpid()) {
  std::set<pid_t> all;
  for (pid_t pid : child_pids(of)) {
    all.insert(pid);
    all.merge(descendants(pid));
  }
  return all;
}

// The state letter of ps ("R", "S", "T", "Z"); empty when there is no such process.
inline std::string process_state(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("State:")) return line.substr(line.find_first_not_of(" \t", 6), 1);
  }
  return "";
}
// A zombie runs no more.
inline bool is_running(pid_t pid) {
  const std::string state = process_state(pid);
  return !state.empty() && state != "Z" && state != "X";
}

inline std::string describe_process(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
  std::string command;
  for (std::string argument; std::getline(file, argument, '\0');) command += " " + argument;
  return std::to_string(pid) + " (" + process_state(pid) + ")" + command;
}

// What this process' descriptors refer to, by number.
inline std::map<int, std::string> open_descriptors() {
  std::map<int, std::string> all;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (!gone) all.emplace(std::stoi(entry.path().filename()), target);
  }
  return all;
}

// --- processes ---

struct Exit {
  int code = 0;    // when signal is 0
  int signal = 0;  // that killed it
  bool operator==(const Exit&) const = default;
};
inline std::ostream& operator<<(std::ostream& out, const Exit& exit) {
  return exit.signal != 0 ? out << "signal " << exit.signal : out << "status " << exit.code;
}

// The file that this process runs, and others of the same build ("arbiter/tractor-arbiter").
inline std::string own_binary() { return std::filesystem::read_symlink("/proc/self/exe").string(); }
inline std::string built_binary(const std::string& path) {
  const std::filesystem::path found = std::filesystem::path(own_binary()).parent_path().parent_path() / path;
  if (!std::filesystem::exists(found)) throw std::runtime_error(found.string() + " does not exist: build it first");
  return found.string();
}

class Process {
 public:
  // "NAME=value" adds to the environment, "NAME" alone takes it away.
  explicit Process(std::vector<std::string> command, const std::vector<std::string>& environment = {}) {
    out_ = memory_file("stdout");
    err_ = memory_file("stderr");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out_, 1);
    posix_spawn_file_actions_adddup2(&actions, err_, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF);
    sigset_t interrupt;  // which is ignored when a shell runs the tests in the background
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    posix_spawnattr_setsigdefault(&attributes, &interrupt);
    std::vector<std::string> variables = child_environment(environment);
    const int error = posix_spawn(&pid_, command.front().c_str(), &actions, &attributes, pointers(command).data(),
                                  pointers(variables).data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0)
      throw std::runtime_error("cannot start " + command.front() + ": " + std::generic_category().message(error));
  }
  // This binary, as the scenario of that name (see TRACTOR_SCENARIO in harness.h), with further arguments.
  static Process as(const std::string& scenario, const std::vector<std::string>& arguments = {},
                    const std::vector<std::string>& environment = {}) {
    std::vector<std::string> command = {own_binary(), "--as", scenario};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return Process(std::move(command), environment);
  }
  Process(Process&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)),
        out_(std::exchange(other.out_, -1)),
        err_(std::exchange(other.err_, -1)),
        exit_(other.exit_) {}
  Process& operator=(Process&&) = delete;
  // Kills it if it still runs; what was below it becomes ours and is for the oracle to wait for.
  ~Process() {
    if (pid_ > 0 && !poll_exit()) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    if (out_ >= 0) close(out_);
    if (err_ >= 0) close(err_);
  }

  pid_t pid() const { return pid_; }
  std::string out() const { return contents(out_); }
  std::string err() const { return contents(err_); }
  // Nothing when it has ended: its number may be another's.
  void signal(int number) {
    if (!poll_exit()) kill(pid_, number);
  }

  // How it ended; empty when it has not within that time.
  std::optional<Exit> wait(std::chrono::nanoseconds timeout = 20s) {
    eventually([this] { return poll_exit(); }, timeout);
    return exit_;
  }
  bool running() { return !poll_exit(); }
  // Whether its stdout contains that text, within the timeout; false at once when it has ended without.
  bool prints(const std::string& text, std::chrono::nanoseconds timeout = 20s) {
    eventually([&] { return out().find(text) != std::string::npos || poll_exit(); }, timeout);
    return out().find(text) != std::string::npos;
  }

 private:
  // Appended to, because processes that share a memory file's offset write over each other.
  static int memory_file(const char* name) {
    const int descriptor = memfd_create(name, MFD_CLOEXEC);
    fcntl(descriptor, F_SETFL, O_APPEND);
    return descriptor;
  }
  static std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> out;
    for (std::string& s : strings) out.push_back(s.data());
    out.push_back(nullptr);
    return out;
  }
  static std::vector<std::string> child_environment(const std::vector<std::string>& changes) {
    std::map<std::string, std::string> variables;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string text = *entry;
      variables[text.substr(0, text.find('='))] = text;
    }
    for (const std::string& change : changes) {
      const std::string name = change.substr(0, change.find('='));
      variables.erase(name);
      if (name != change) variables[name] = change;
    }
    std::vector<std::string> out;
    for (auto& [name, text] : variables) out.push_back(text);
    return out;
  }
  static std::string contents(int descriptor) {
    struct stat status {};
    if (fstat(descriptor, &status) != 0) return "";
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    const ssize_t count = pread(descriptor, text.data(), text.size(), 0);
    text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return text;
  }
  bool poll_exit() {
    if (exit_ || pid_ <= 0) return true;
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
    exit_ = WIFSIGNALED(status) ? Exit{.signal = WTERMSIG(status)} : Exit{.code = WEXITSTATUS(status)};
    return true;
  }

  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::optional<Exit> exit_;
};

// Removes zombies that became ours because their parent died; for tests that kill roots. Not those of Process objects
// that still live.
inline void reap_orphans(const std::set<pid_t>& keep = {}) {
  for (pid_t pid : child_pids()) {
    if (!keep.contains(pid) && process_state(pid) == "Z") waitpid(pid, nullptr, WNOHANG);
  }
}

}  // namespace tractor::test
