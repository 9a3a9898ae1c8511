#include "runtime/process/child_token.h"

#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "runtime/wire/identity.h"

namespace tractor {
namespace {
constexpr std::size_t kBytes = 32;
}

std::string send_child_token(int socket) {
  std::string token = random_id() + random_id();
  if (send(socket, token.data(), kBytes, MSG_NOSIGNAL) != static_cast<ssize_t>(kBytes)) {
    throw std::system_error(errno, std::generic_category(), "cannot write to the socket of a child process");
  }
  return token;
}

std::string receive_child_token(int socket) {
  std::string token(kBytes, '\0');
  if (recv(socket, token.data(), kBytes, MSG_WAITALL) != static_cast<ssize_t>(kBytes)) {
    throw std::system_error(errno, std::generic_category(), "cannot read what the parent wrote first");
  }
  return token;
}

}  // namespace tractor
