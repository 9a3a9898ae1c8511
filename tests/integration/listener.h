// Foreign servers: sockets on which something else than this library listens. Each answers every connection with one
// text, or never.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

namespace tractor::test {

namespace detail {
inline int bound_tcp_socket(int port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (descriptor < 0 || bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error(std::string("cannot bind a TCP socket: ") + std::strerror(errno));
  }
  return descriptor;
}
inline int port_of(int descriptor) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}
}  // namespace detail

// A TCP port of the loopback that nothing listens on at the moment.
inline int free_port() {
  const int descriptor = detail::bound_tcp_socket(0);
  const int port = detail::port_of(descriptor);
  close(descriptor);
  return port;
}

// A blocking socket that is connected to "unix:/path", or to a port of the loopback ("127.0.0.1:4711").
inline int connect_to(const std::string& address) {
  const bool is_unix = address.starts_with("unix:");
  sockaddr_un path{};
  path.sun_family = AF_UNIX;
  sockaddr_in port{};
  port.sin_family = AF_INET;
  if (is_unix) {
    address.copy(path.sun_path, sizeof path.sun_path - 1, std::string("unix:").size());
  } else {
    port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    port.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  }
  const int descriptor = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto* to = is_unix ? reinterpret_cast<const sockaddr*>(&path) : reinterpret_cast<const sockaddr*>(&port);
  if (connect(descriptor, to, is_unix ? sizeof path : sizeof port) != 0) {
    close(descriptor);
    throw std::runtime_error("cannot connect to " + address);
  }
  return descriptor;
}

class Listener {
 public:
  // Accepts nothing; connections stay in the backlog.
  Listener() : descriptor_(detail::bound_tcp_socket(0)) { listen(descriptor_, 16); }
  // Answers each connection with the text and closes it.
  explicit Listener(std::string answer) : Listener() {
    thread_ = std::thread([this, answer = std::move(answer)] {
      while (!ending_) {
        pollfd waiting{.fd = descriptor_, .events = POLLIN, .revents = 0};
        if (poll(&waiting, 1, 20) != 1) continue;
        const int connection = accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) continue;
        pollfd request{.fd = connection, .events = POLLIN, .revents = 0};
        poll(&request, 1, 1000);
        static_cast<void>(!send(connection, answer.data(), answer.size(), MSG_NOSIGNAL));
        close(connection);
      }
    });
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() {
    ending_ = true;
    if (thread_.joinable()) thread_.join();
    close(descriptor_);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(detail::port_of(descriptor_)); }

 private:
  int descriptor_;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

// A unix socket on which nobody accepts. Its file stays, as after a crash.
class UnixListener {
 public:
  explicit UnixListener(const std::string& path) : descriptor_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    if (bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(descriptor_, 16) != 0) {
      throw std::runtime_error("cannot listen on " + path + ": " + std::strerror(errno));
    }
  }
  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;
  ~UnixListener() { close(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace tractor::test
