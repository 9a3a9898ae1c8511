// Another process of this program that is no actor: the plain gRPC client or server, see raw_grpc.h.
//
// Ended and reaped when the object goes. Any thread.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>
#include <vector>

namespace bench {

class OwnProcess {
 public:
  // Executes this program again with these arguments, in the same process group (so that Ctrl-C reaches it). Throws
  // std::system_error.
  explicit OwnProcess(std::vector<std::string> arguments);
  OwnProcess(const OwnProcess&) = delete;
  OwnProcess& operator=(const OwnProcess&) = delete;
  ~OwnProcess();

  // The next line of its standard output; blocks the thread. Throws std::runtime_error when it ended instead.
  std::string read_line();

 private:
  pid_t pid_ = -1;
  std::FILE* output_ = nullptr;
};

// Starts a program, which is found on PATH, and waits for its end; blocks the thread.
void run_program(const std::string& program);

}  // namespace bench
