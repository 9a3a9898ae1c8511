#include "own_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace bench {
namespace {

void check(int error, const std::string& what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

pid_t start(const char* file, std::vector<std::string> arguments, const posix_spawn_file_actions_t* actions) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  check(posix_spawnp(&pid, file, actions, nullptr, argv.data(), environ), std::string("cannot start ") + file);
  return pid;
}

void reap(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

OtherProcess::OtherProcess(const std::string& file, std::vector<std::string> arguments) {
  int ends[2];
  check(pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno, "pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  const auto clean_up = [&] {
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
  };
  try {
    pid_ = start(file.c_str(), std::move(arguments), &actions);
  } catch (...) {
    clean_up();
    close(ends[0]);
    throw;
  }
  clean_up();
  output_ = fdopen(ends[0], "r");
}

OtherProcess::~OtherProcess() {
  std::fclose(output_);
  kill(pid_, SIGKILL);
  reap(pid_);
}

OwnProcess::OwnProcess(std::vector<std::string> arguments)
    : OtherProcess("/proc/self/exe", [&] {
        arguments.insert(arguments.begin(), program_invocation_name);
        return std::move(arguments);
      }()) {}

std::string OtherProcess::read_line() {
  char* text = nullptr;
  std::size_t capacity = 0;
  const ssize_t size = getline(&text, &capacity, output_);
  const std::unique_ptr<char, decltype(&std::free)> owner(text, &std::free);
  if (size <= 0) throw std::runtime_error("a process of this benchmark ended before it had answered");
  return {text, static_cast<std::size_t>(size - (text[size - 1] == '\n' ? 1 : 0))};
}

void run_program(const std::string& program) { reap(start(program.c_str(), {program}, nullptr)); }

}  // namespace bench
