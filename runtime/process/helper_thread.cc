#include "runtime/process/helper_thread.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "runtime/log.h"
#include "runtime/process/early_output.h"
#include "runtime/wire/address.h"
#include "runtime/wire/duration_text.h"
#include "runtime/wire/is_unix_socket.h"

namespace tractor {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;

struct HelperThread::State {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(io);
  std::mutex mutex;
  std::set<pid_t> groups;  // under mutex
  std::vector<std::unique_ptr<asio::signal_set>> signal_sets;
  std::thread thread;

  void accept(std::shared_ptr<Descriptor> listener, std::shared_ptr<std::function<void(int)>> on_connection);
  void collect(std::shared_ptr<Descriptor> pipe, std::shared_ptr<EarlyOutput> output);
  void next_signal(asio::signal_set& signals, std::shared_ptr<std::function<void(int)>> on_signal);
};

namespace {

// Whether a connected unix socket's other end belongs to our user, or to root. Over TCP nobody can tell: a credential
// is asked for later.
bool may_connect(int descriptor) {
  if (!is_unix_socket(descriptor)) return true;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  if (peer.uid == geteuid() || peer.uid == 0) return true;
  log::warning("refused a connection of user " + std::to_string(peer.uid) + " (process " + std::to_string(peer.pid) +
               ")");
  return false;
}

// Owns the descriptor; closes it, and returns null, when the kernel watches no more.
std::shared_ptr<Descriptor> descriptor_of(asio::io_context& io, int descriptor) {
  try {
    return std::make_shared<Descriptor>(io, descriptor);
  } catch (const std::exception&) {
    close(descriptor);
    return nullptr;
  }
}

// What HTTP/2 begins with (RFC 9113, 3.4).
constexpr std::string_view kGreeting = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// And what follows it: a frame of settings, of 6 bytes each. It begins with its length, in 3 bytes, and its type.
constexpr std::size_t kFrameHeader = 9;
constexpr char kSettings = 4;
constexpr std::size_t kMostSettings = 600;

// Whether all that has come, or something else, or the end: what gRPC deals with.
bool has_spoken(int descriptor) {
  std::array<char, kGreeting.size() + kFrameHeader + kMostSettings> begin{};
  const ssize_t size = recv(descriptor, begin.data(), begin.size(), MSG_PEEK);
  if (size < 0) return errno != EAGAIN && errno != EINTR;
  const std::string_view said(begin.data(), static_cast<std::size_t>(size));
  if (said.empty() || !kGreeting.starts_with(said.substr(0, kGreeting.size()))) return true;
  if (said.size() < kGreeting.size() + kFrameHeader) return false;
  const std::string_view frame = said.substr(kGreeting.size());
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(frame[i])); };
  const std::size_t length = byte(0) << 16 | byte(1) << 8 | byte(2);
  return frame[3] != kSettings || length > kMostSettings || frame.size() >= kFrameHeader + length;
}

// Passed on when it speaks: a client does so as soon as it is connected.
class NewConnection : public std::enable_shared_from_this<NewConnection> {
 public:
  NewConnection(asio::io_context& io, Descriptor connection, std::shared_ptr<std::function<void(int)>> on_connection)
      : connection_(std::move(connection)), time_(io, kSilence), pause_(io), on_connection_(std::move(on_connection)) {}

  void wait() {
    time_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (error || !self->connection_.is_open()) return;
      log::warning("a connection is closed: its other end has said nothing for " + duration_text(kSilence));
      self->connection_.close();
    });
    look();
  }

 private:
  void look() {
    connection_.async_wait(Descriptor::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
      if (error) return;
      if (!has_spoken(self->connection_.native_handle())) return self->look_again();
      self->time_.cancel();
      (*self->on_connection_)(self->connection_.release());
    });
  }
  // A part of the greeting is no news a second time.
  void look_again() {
    pause_.expires_after(wait_);
    wait_ = std::min(2 * wait_, std::chrono::milliseconds(100));
    pause_.async_wait([self = shared_from_this()](const boost::system::error_code&) {
      if (self->connection_.is_open()) self->look();
    });
  }

  Descriptor connection_;
  asio::steady_timer time_;
  asio::steady_timer pause_;
  std::chrono::milliseconds wait_{1};  // some clients greet in two writes
  std::shared_ptr<std::function<void(int)>> on_connection_;
};

}  // namespace

HelperThread::HelperThread() : state_(std::make_unique<State>()) {
  state_->thread = std::thread([io = &state_->io] {
    pthread_setname_np(pthread_self(), "tractor-helper");
    io->run();
  });
}

HelperThread::~HelperThread() { stop(); }

void HelperThread::stop() {
  state_->io.stop();
  if (state_->thread.joinable()) state_->thread.join();
}

bool HelperThread::watch_exit(int pidfd, std::function<void()> on_exit) {
  const int copy = fcntl(pidfd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return false;
  const std::shared_ptr<Descriptor> process = descriptor_of(state_->io, copy);
  if (process == nullptr) return false;
  process->async_wait(Descriptor::wait_read,
                      [process, on_exit = std::move(on_exit)](const boost::system::error_code& error) {
                        if (!error) on_exit();
                      });
  return true;
}

void HelperThread::collect(std::shared_ptr<EarlyOutput> output) {
  const int copy = fcntl(output->descriptor(), F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return;  // the pipe holds 64 KiB
  if (auto pipe = descriptor_of(state_->io, copy)) state_->collect(std::move(pipe), std::move(output));
}

void HelperThread::State::collect(std::shared_ptr<Descriptor> pipe, std::shared_ptr<EarlyOutput> output) {
  pipe->async_wait(Descriptor::wait_read, [this, pipe, output](const boost::system::error_code& error) {
    if (!error && output->drain()) collect(pipe, output);
  });
}

void HelperThread::accept_on(int listening_socket, std::function<void(int)> on_connection) {
  state_->accept(std::make_shared<Descriptor>(state_->io, listening_socket),
                 std::make_shared<std::function<void(int)>>(std::move(on_connection)));
}

void HelperThread::State::accept(std::shared_ptr<Descriptor> listener,
                                 std::shared_ptr<std::function<void(int)>> on_connection) {
  listener->async_wait(Descriptor::wait_read, [this, listener, on_connection](const boost::system::error_code& error) {
    if (error) return;
    const int descriptor = accept4(listener->native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor >= 0 && may_connect(descriptor)) {
      if (auto connection = descriptor_of(io, descriptor))
        std::make_shared<NewConnection>(io, std::move(*connection), on_connection)->wait();
    } else if (descriptor >= 0) {
      close(descriptor);
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
      // Out of descriptors, most likely: the connection stays in the backlog; try again soon rather than spin.
      log::error(std::string("cannot accept a connection: ") + std::strerror(errno));
      auto pause = std::make_shared<asio::steady_timer>(io, std::chrono::milliseconds(100));
      pause->async_wait([this, pause, listener, on_connection](const boost::system::error_code&) {
        accept(listener, on_connection);
      });
      return;
    }
    accept(listener, on_connection);
  });
}

void HelperThread::watch_signals(const std::vector<int>& signals, std::function<void(int)> on_signal) {
  auto& set = *state_->signal_sets.emplace_back(std::make_unique<asio::signal_set>(state_->io));
  for (int signal : signals) set.add(signal);
  state_->next_signal(set, std::make_shared<std::function<void(int)>>(std::move(on_signal)));
}

void HelperThread::State::next_signal(asio::signal_set& signals, std::shared_ptr<std::function<void(int)>> on_signal) {
  signals.async_wait([this, &signals, on_signal](const boost::system::error_code& error, int signal) {
    if (error) return;
    (*on_signal)(signal);
    next_signal(signals, on_signal);
  });
}

void HelperThread::after(std::chrono::milliseconds delay, std::function<void()> callback) {
  auto timer = std::make_shared<asio::steady_timer>(state_->io, delay);
  timer->async_wait([timer, callback = std::move(callback)](const boost::system::error_code& error) {
    if (!error) callback();
  });
}

void HelperThread::every(std::chrono::milliseconds period, std::function<void()> callback) {
  after(period, [this, period, callback = std::move(callback)] {
    callback();
    every(period, callback);
  });
}

void HelperThread::watch_parent(int pidfd, std::chrono::milliseconds grace, std::function<void()> on_death) {
  watch_exit(pidfd, [this, grace, on_death = std::move(on_death)] {
    on_death();
    after(grace, [this] {
      kill_tree();
      kill(0, SIGKILL);  // our own group: a child leads one
    });
  });
}

void HelperThread::add_group(pid_t group) {
  const std::lock_guard lock(state_->mutex);
  state_->groups.insert(group);
}

void HelperThread::remove_group(pid_t group) {
  const std::lock_guard lock(state_->mutex);
  state_->groups.erase(group);
}

void HelperThread::kill_tree() {
  const std::lock_guard lock(state_->mutex);
  for (pid_t group : state_->groups) kill(-group, SIGKILL);
}

}  // namespace tractor
