#include "runtime/process/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "runtime/task/error.h"
#include "runtime/wire/address.h"

namespace tractor {
namespace {

[[noreturn]] void fail(const std::string& what) { throw UsageError(absl::StrCat(what, ": ", std::strerror(errno))); }

sockaddr_un unix_address(const std::string& path) {
  if (path.size() > kMaxSocketPath) {
    throw UsageError(absl::StrCat("the socket path ", path, " has ", path.size(),
                                  " bytes, a unix socket takes at most ", kMaxSocketPath,
                                  "; set TRACTOR_RUNTIME_DIR to a shorter directory"));
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

}  // namespace

UniqueDescriptor listen_on_unix_socket(const std::string& path) {
  const sockaddr_un address = unix_address(path);
  UniqueDescriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) fail("cannot make a socket");
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode)) {
    throw UsageError(absl::StrCat("cannot listen on ", path, ": there is something that is no socket"));
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) fail("cannot replace " + path);
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail("cannot bind a socket to " + path);
  if (listen(listener.get(), SOMAXCONN) != 0) fail("cannot listen on " + path);
  return listener;
}

bool unix_socket_answers(const std::string& path) {
  const sockaddr_un address = unix_address(path);
  const UniqueDescriptor client(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!client) fail("cannot make a socket");
  return connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN;
}

}  // namespace tractor
