// Another process that is no actor: the plain gRPC client or server (see raw_grpc.h), or another program.
//
// Killed and reaped when the object goes. Any thread.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>
#include <vector>

namespace bench {

class OtherProcess {
 public:
  // Executes that file with these arguments, in the same process group (so that Ctrl-C reaches it). Throws
  // std::system_error.
  OtherProcess(const std::string& file, std::vector<std::string> arguments);
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;
  ~OtherProcess();

  pid_t pid() const { return pid_; }

  // The next line of its standard output; blocks the thread. Throws std::runtime_error when it ended instead.
  std::string read_line();

 private:
  pid_t pid_ = -1;
  std::FILE* output_ = nullptr;
};

// Executes this program again.
class OwnProcess : public OtherProcess {
 public:
  explicit OwnProcess(std::vector<std::string> arguments);
};

// Starts a program, which is found on PATH, and waits for its end; blocks the thread.
void run_program(const std::string& program);

}  // namespace bench
