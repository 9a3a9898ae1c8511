#include "runtime/process/launcher.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/process/v2/src.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "runtime/unique_descriptor.h"

namespace tractor {

namespace process = boost::process::v2;

namespace {

void check(int error, const char* what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

class SpawnAttributes {
 public:
  SpawnAttributes() {
    check(posix_spawnattr_init(&attributes_), "posix_spawnattr_init");
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

class SpawnActions {
 public:
  explicit SpawnActions(const ChildDescriptors& from) {
    check(posix_spawn_file_actions_init(&actions_), "posix_spawn_file_actions_init");
    check(posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0), "addopen");
    check(posix_spawn_file_actions_adddup2(&actions_, 2, kStderrDescriptor), "adddup2");
    check(posix_spawn_file_actions_adddup2(&actions_, from.early_stderr, 2), "adddup2");
    check(posix_spawn_file_actions_adddup2(&actions_, from.supervision, kSupervisionDescriptor), "adddup2");
    check(posix_spawn_file_actions_addclosefrom_np(&actions_, kStderrDescriptor + 1), "addclosefrom_np");
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

// A descriptor above the numbers that the child gives away.
class HighDescriptor {
 public:
  explicit HighDescriptor(int from) : descriptor_(fcntl(from, F_DUPFD_CLOEXEC, kStderrDescriptor + 1)) {
    if (descriptor_ < 0) check(errno, "cannot copy a descriptor for a child process");
  }
  HighDescriptor(const HighDescriptor&) = delete;
  HighDescriptor& operator=(const HighDescriptor&) = delete;
  ~HighDescriptor() { close(descriptor_); }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

// The file to execute: by its own name, which ps shows, unless another program has taken its place on disk since.
std::string program() {
  constexpr const char* kSelf = "/proc/self/exe";
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink(kSelf, error);
  struct stat self {};
  struct stat named {};
  if (error || stat(kSelf, &self) != 0 || stat(path.c_str(), &named) != 0) return kSelf;
  return self.st_ino == named.st_ino && self.st_dev == named.st_dev ? path.string() : kSelf;
}

std::vector<char*> child_environment(std::string& marker) {
  marker = std::string(kChildMarker) + "=" + std::to_string(kSupervisionDescriptor);
  std::vector<char*> out;
  for (char** entry = environ; *entry != nullptr; ++entry) out.push_back(*entry);
  out.push_back(marker.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

std::string to_string(const ExitStatus& status) {
  if (!status.known) return "ended, but something else in this process has taken its exit status";
  if (status.signal == 0) return "exited with status " + std::to_string(status.code);
  return "was killed by signal " + std::to_string(status.signal) + " (" + strsignal(status.signal) + ")";
}

struct ChildProcess::State {
  process::process handle;
  int pidfd;
};

ChildProcess::ChildProcess(std::unique_ptr<State> state) : state_(std::move(state)) {}

// The owner reaps it; a handle given up earlier (an exception in between) must not kill or wait here.
ChildProcess::~ChildProcess() { state_->handle.detach(); }

pid_t ChildProcess::pid() const { return state_->handle.id(); }

int ChildProcess::pidfd() const { return state_->pidfd; }

std::optional<ExitStatus> ChildProcess::ended() const {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(pid()), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    if (errno == ECHILD) return ExitStatus{.known = false};
    return std::nullopt;
  }
  if (info.si_pid == 0) return std::nullopt;
  return info.si_code == CLD_EXITED ? ExitStatus{.code = info.si_status} : ExitStatus{.signal = info.si_status};
}

void ChildProcess::kill_group() const { kill(-pid(), SIGKILL); }

void ChildProcess::reap() {
  boost::system::error_code ignored;
  state_->handle.wait(ignored);
}

void open_standard_descriptors() {
  for (int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // It gets the lowest number that is free. The wrong way round, so that who reads or writes is told, as before.
    if (fcntl(descriptor, F_GETFD) < 0) static_cast<void>(open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY));
  }
}

std::vector<std::string> own_command_line() {
  std::vector<std::string> arguments;
  std::ifstream file("/proc/self/cmdline");
  for (std::string argument; std::getline(file, argument, '\0');) arguments.push_back(argument);
  if (arguments.empty()) throw std::system_error(errno, std::generic_category(), "cannot read /proc/self/cmdline");
  return arguments;
}

namespace {

int adoptions = 0;
int adopted_before = 0;  // whether this process did, by itself

}  // namespace

Adoption::Adoption() {
  if (adoptions++ > 0) return;
  // Whoever started us may have had the kernel reap our children: their exit status would be gone.
  struct sigaction on_child_exit {};
  sigaction(SIGCHLD, nullptr, &on_child_exit);
  if (on_child_exit.sa_handler == SIG_IGN || (on_child_exit.sa_flags & SA_NOCLDWAIT) != 0) signal(SIGCHLD, SIG_DFL);
  prctl(PR_GET_CHILD_SUBREAPER, &adopted_before, 0, 0, 0);
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

Adoption::~Adoption() {
  if (--adoptions == 0) prctl(PR_SET_CHILD_SUBREAPER, adopted_before, 0, 0, 0);
}

std::unique_ptr<ChildProcess> launch(const std::vector<std::string>& arguments, const ChildDescriptors& descriptors) {
  const HighDescriptor supervision(descriptors.supervision);
  const HighDescriptor early_stderr(descriptors.early_stderr);
  const SpawnAttributes attributes;
  const SpawnActions actions({.supervision = supervision.get(), .early_stderr = early_stderr.get()});
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::string marker;
  const std::vector<char*> environment = child_environment(marker);

  // Handles want an executor; nothing ever runs on this one, since waiting is the helper thread's.
  static boost::asio::io_context unused;
  pid_t pid = -1;
  check(posix_spawn(&pid, program().c_str(), actions.get(), attributes.get(), argv.data(), environment.data()),
        "cannot start a child process");
  try {
    UniqueDescriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd) check(errno, "cannot watch a child process (pidfd_open)");
    auto state = std::make_unique<ChildProcess::State>(
        ChildProcess::State{process::process(unused.get_executor(), pid, pidfd.get()), pidfd.get()});
    pidfd.release();  // the handle's now
    return std::make_unique<ChildProcess>(std::move(state));
  } catch (...) {  // one that cannot be watched is none
    kill(-pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    throw;
  }
}

Orphan look_at_orphan(pid_t pid) {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return Orphan::gone;
  return info.si_pid == 0 ? Orphan::running : Orphan::ended;
}

bool clear_group(pid_t leader) {
  kill(-leader, SIGKILL);
  bool clear = true;
  for (pid_t pid : children_of_this_process()) {
    if (pid == leader || getpgid(pid) != leader) continue;
    waitpid(pid, nullptr, WNOHANG);
    clear = false;  // even if that was the last: what was below it is our child only now
  }
  return clear;
}

void reap_orphan(pid_t pid) { waitpid(pid, nullptr, WNOHANG); }

std::vector<pid_t> children_of_this_process() {
  std::vector<pid_t> children;
  std::error_code ignored;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
    std::ifstream list(thread.path() / "children");
    for (pid_t pid = 0; list >> pid;) children.push_back(pid);
  }
  return children;
}

bool is_actor_process(pid_t pid) {
  if (getpgid(pid) != pid || getsid(pid) != getsid(0)) return false;
  const std::string directory = "/proc/" + std::to_string(pid);
  std::ifstream environment(directory + "/environ");
  bool is_alive = false;
  for (std::string entry; std::getline(environment, entry, '\0'); is_alive = true) {
    if (entry.starts_with(std::string(kChildMarker) + '=')) return true;
  }
  if (is_alive) return false;
  std::string name;
  std::getline(std::ifstream(directory + "/comm"), name);
  constexpr std::size_t kCommLength = 15;
  return name == std::filesystem::path(program()).filename().string().substr(0, kCommLength);
}

}  // namespace tractor
