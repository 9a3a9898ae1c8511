// Starts child processes: this program again, over posix_spawn, in a process group of its own.
//
// Not Boost.Process' own launchers: after vfork they run callbacks in the parent's memory, exit() it when exec fails,
// and leave signals unblocked. The handle that comes back is theirs.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tractor {

// How a process ended.
struct ExitStatus {
  int code = 0;       // when signal is 0
  int signal = 0;     // that killed it
  bool known = true;  // not when something else in this process has reaped it
};
// "exited with status 3", "was killed by signal 9 (Killed)".
std::string to_string(const ExitStatus& status);

// A child process that was started and is not reaped yet. Loop thread only.
class ChildProcess {
 public:
  struct State;
  explicit ChildProcess(std::unique_ptr<State> state);
  ~ChildProcess();

  pid_t pid() const;
  int pidfd() const;
  // How it ended, when it has; leaves it a zombie, so that its process group's number stays taken.
  std::optional<ExitStatus> ended() const;
  // SIGKILL to its whole process group; nothing when there is none any more.
  void kill_group() const;
  // Removes the zombie. After ended().
  void reap();

 private:
  std::unique_ptr<State> state_;
};

// While there is one this process adopts what processes below it leave behind when they die, so that it can wait for
// it. From the first child to the last: what the program starts otherwise is its own business. Loop thread only.
class Adoption {
 public:
  Adoption();
  Adoption(const Adoption&) = delete;
  Adoption& operator=(const Adoption&) = delete;
  ~Adoption();
};

// What the child gets as descriptors.
struct ChildDescriptors {
  int supervision = -1;   // becomes 3: one end of a socket pair
  int early_stderr = -1;  // becomes 2; our own stderr becomes 4
};
inline constexpr int kSupervisionDescriptor = 3;
inline constexpr int kStderrDescriptor = 4;
// Set to the number of the supervision descriptor in a child's environment.
inline constexpr const char* kChildMarker = "TRACTOR_CHILD";

// Occupies those of the descriptors 0, 1 and 2 that are closed: else a lock or a socket gets their numbers, and what
// the program prints. Reading and writing still fails. Before anything is opened.
void open_standard_descriptors();

// The arguments this process was started with, argv[0] first.
std::vector<std::string> own_command_line();

// Starts /proc/self/exe with these arguments (argv[0] first). stdin is /dev/null, stdout ours, all other descriptors
// are closed, the signal mask is empty and all signals have their default action. Throws std::system_error when the
// process cannot be made.
std::unique_ptr<ChildProcess> launch(const std::vector<std::string>& arguments, const ChildDescriptors& descriptors);

// Processes that became our children because their parent died (we are their subreaper).
enum class Orphan { running, ended, gone };
// Whether it has ended; a zombie stays one. Gone when it is no child of ours.
Orphan look_at_orphan(pid_t pid);
// Kills what else is in the process group of a leader that is a zombie of ours, and reaps those of it that are our
// children by now. True when none is left; else some are about to end: come again.
bool clear_group(pid_t leader);
// Removes the zombie.
void reap_orphan(pid_t pid);
// All children of this process, by /proc.
std::vector<pid_t> children_of_this_process();
// Whether it is a process that launch() started somewhere: it leads a process group in our session and has kChildMarker
// in its environment. A zombie has none any more: then, whether it ran our program.
bool is_actor_process(pid_t pid);

}  // namespace tractor
