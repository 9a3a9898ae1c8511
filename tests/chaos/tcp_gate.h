// A TCP gate: a proxy that tests put in front of a server on this machine, to see what becomes of calls when the
// network between misbehaves.
//
// It listens on a port of its own and passes on what it gets, two threads to a connection, until it is told to
// misbehave. All functions may be called from any thread; the destructor ends all connections and threads.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

namespace tractor::test {

class TcpGate {
 public:
  explicit TcpGate(int target_port) : target_port_(target_port) { open(); }
  TcpGate(const TcpGate&) = delete;
  TcpGate& operator=(const TcpGate&) = delete;
  ~TcpGate() {
    refuse();
    close_all();
    const std::lock_guard lock(mutex_);
    for (std::thread& pump : pumps_) pump.join();
  }

  int port() const { return port_; }

  // Lets connections in, again: it does from the start.
  void open() {
    listener_ = bind_listener();
    accepting_ = true;
    acceptor_ = std::thread([this] { accept_all(); });
  }
  // Refuses new connections; those that exist go on.
  void refuse() {
    if (!accepting_.exchange(false)) return;
    acceptor_.join();
    close(listener_);
  }
  // Passes nothing on, and keeps everything open.
  void set_silent(bool silent) { silent_ = silent; }
  // Ends all connections, with a reset.
  void close_all() {
    const std::lock_guard lock(mutex_);
    for (const auto& connection : connections_) connection->reset();
  }
  // Each piece is passed on that much later.
  void set_delay(std::chrono::milliseconds delay) { delay_ = delay.count(); }
  // Pieces have at most that many bytes.
  void set_slice(std::size_t bytes) { slice_ = std::min(bytes, kLargestPiece); }
  // Inverts a byte in the middle of the next piece of at least `size` bytes, in either direction.
  void corrupt_next(std::size_t size) { corrupt_ = size; }

  // So far.
  int connections() const { return accepted_; }
  int corrupted() const { return corrupted_; }

 private:
  static constexpr std::size_t kLargestPiece = 64 * 1024;

  // Descriptors are closed when both pumps have let go of it.
  struct Connection {
    int caller;
    int server;
    void reset() const {
      const linger at_once{.l_onoff = 1, .l_linger = 0};
      for (const int socket : {caller, server}) {
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        shutdown(socket, SHUT_RDWR);
      }
    }
    ~Connection() {
      close(caller);
      close(server);
    }
  };

  static sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
  }
  int bind_listener() {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address = loopback(port_);
    socklen_t size = sizeof address;
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener, 64) != 0)
      throw std::runtime_error("the gate cannot listen");
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    return listener;
  }
  void accept_all() {
    while (accepting_) {
      pollfd waiting{.fd = listener_, .events = POLLIN, .revents = 0};
      if (poll(&waiting, 1, 20) != 1) continue;
      const int caller = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const sockaddr_in target = loopback(target_port_);
      const auto connection = std::make_shared<Connection>(caller, server);
      if (connect(server, reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0) continue;
      ++accepted_;
      const std::lock_guard lock(mutex_);
      connections_.push_back(connection);
      pumps_.emplace_back([this, connection] { pump(connection->caller, connection->server); });
      pumps_.emplace_back([this, connection] { pump(connection->server, connection->caller); });
    }
  }
  void pump(int from, int to) {
    std::array<char, kLargestPiece> bytes{};
    while (true) {
      const ssize_t count = recv(from, bytes.data(), slice_, 0);
      if (count <= 0) break;
      if (delay_ > 0) std::this_thread::sleep_for(std::chrono::milliseconds(delay_));
      while (silent_ && is_open(from)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      const auto size = static_cast<std::size_t>(count);
      std::size_t wanted = corrupt_;
      if (wanted != 0 && size >= wanted && corrupt_.compare_exchange_strong(wanted, 0)) {
        bytes.at(size / 2) = static_cast<char>(~bytes.at(size / 2));
        ++corrupted_;
      }
      if (send(to, bytes.data(), size, MSG_NOSIGNAL) != count) break;
    }
    shutdown(to, SHUT_WR);
    shutdown(from, SHUT_RD);
  }
  static bool is_open(int socket) {
    pollfd state{.fd = socket, .events = POLLRDHUP, .revents = 0};
    return poll(&state, 1, 0) == 0;
  }

  const int target_port_;
  int port_ = 0;
  int listener_ = -1;
  std::thread acceptor_;
  std::atomic<bool> accepting_ = false;
  std::atomic<bool> silent_ = false;
  std::atomic<long> delay_ = 0;
  std::atomic<std::size_t> slice_ = kLargestPiece;
  std::atomic<std::size_t> corrupt_ = 0;
  std::atomic<int> accepted_ = 0;
  std::atomic<int> corrupted_ = 0;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Connection>> connections_;
  std::vector<std::thread> pumps_;
};

}  // namespace tractor::test
