// For examples that print much.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <stop_token>
#include <string_view>
#include <system_error>

// Writes it all, unless it is told to stop: a reader who has stopped reading does not keep us from ending.
inline void write_out(const std::stop_token& stop, std::string_view text) {
  while (!text.empty() && !stop.stop_requested()) {
    pollfd out{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
    if (poll(&out, 1, 100) == 0) continue;
    // A pipe that is ready takes that much without blocking.
    const ssize_t written = write(STDOUT_FILENO, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      throw std::system_error(errno, std::generic_category(), "cannot write the output");
    }
  }
}
