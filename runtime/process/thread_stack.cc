#include "runtime/process/thread_stack.h"

#include <semaphore.h>
#include <signal.h>
#include <time.h>

#include <array>
#include <cerrno>
#include <mutex>

#include "runtime/task/backtrace.h"

namespace tractor {
namespace {

// What the signal handler fills; one at a time.
std::array<void*, 64> frames;
std::size_t frame_count = 0;
sem_t taken;

void take_stack(int /*signal*/) {
  const int saved = errno;
  frame_count = backtrace(frames, 2);  // not this function, and what the kernel calls it from
  sem_post(&taken);
  errno = saved;
}

}  // namespace

std::vector<void*> stack_of(pthread_t thread) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  sem_init(&taken, 0, 0);
  struct sigaction handler {};
  handler.sa_handler = take_stack;
  handler.sa_flags = SA_RESTART;
  struct sigaction before {};
  sigaction(SIGURG, &handler, &before);
  constexpr long kPatience = 100'000'000;  // ns
  timespec until{};
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += (until.tv_nsec + kPatience) / 1'000'000'000;
  until.tv_nsec = (until.tv_nsec + kPatience) % 1'000'000'000;
  int result = pthread_kill(thread, SIGURG);
  while (result == 0 && sem_timedwait(&taken, &until) != 0) result = errno == EINTR ? 0 : errno;
  sigaction(SIGURG, &before, nullptr);
  if (result != 0) return {};
  return std::vector<void*>(frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(frame_count));
}

}  // namespace tractor
