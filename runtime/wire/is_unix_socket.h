// Which connections the kernel vouches for. Any thread.
#pragma once

#include <sys/socket.h>

namespace tractor {

// Of what is no socket at all: false, so that it is asked for a credential.
inline bool is_unix_socket(int descriptor) {
  int domain = 0;
  socklen_t size = sizeof domain;
  return getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

}  // namespace tractor
