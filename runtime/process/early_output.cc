#include "runtime/process/early_output.h"

#include <unistd.h>

#include <array>
#include <cerrno>

namespace tractor {
namespace {
constexpr std::size_t kKept = 64 << 10;
}

bool EarlyOutput::drain() {
  const std::lock_guard lock(mutex_);
  std::array<char, 4096> chunk{};
  while (true) {
    const ssize_t count = read(pipe_.get(), chunk.data(), chunk.size());
    if (count > 0) {
      text_.append(chunk.data(), static_cast<std::size_t>(count));
      if (text_.size() > 2 * kKept) text_.erase(0, text_.size() - kKept);
    } else if (count == 0 || errno != EINTR) {
      return count != 0 && errno == EAGAIN;
    }
  }
}

void EarlyOutput::close() {
  drain();
  const std::lock_guard lock(mutex_);
  pipe_.reset();
}

std::string EarlyOutput::text() {
  drain();
  const std::lock_guard lock(mutex_);
  return text_.size() > kKept ? text_.substr(text_.size() - kKept) : text_;
}

}  // namespace tractor
