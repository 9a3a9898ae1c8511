#include "runtime/process/thread_stack.h"

#include <semaphore.h>
#include <signal.h>
#include <time.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>

#include "runtime/task/backtrace.h"

namespace tractor {
namespace {

// Filled by the signal handler. Whoever takes it out of `asked` owns it: the handler, or the asker who gives up.
struct Question {
  Question() { sem_init(&answered, 0, 0); }
  std::array<void*, 64> frames;
  std::size_t count = 0;
  sem_t answered;
};
std::atomic<Question*> asked = nullptr;

void answer(int /*signal*/) {
  Question* question = asked.exchange(nullptr);
  if (question == nullptr) return;
  const int saved = errno;
  question->count = backtrace(question->frames, 2);  // not this function, and what the kernel calls it from
  sem_post(&question->answered);
  errno = saved;
}

void wait(sem_t& semaphore) {
  while (sem_wait(&semaphore) != 0) {
  }
}

// Whether that came within 100 ms.
bool wait_a_little(sem_t& semaphore) {
  constexpr long kPatience = 100'000'000;  // ns
  constexpr long kSecond = 1'000'000'000;
  timespec until{};
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += (until.tv_nsec + kPatience) / kSecond;
  until.tv_nsec = (until.tv_nsec + kPatience) % kSecond;
  while (sem_timedwait(&semaphore, &until) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

}  // namespace

std::vector<void*> stack_of(pthread_t thread) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  struct sigaction handler {};
  handler.sa_handler = answer;
  handler.sa_flags = SA_RESTART | SA_ONSTACK;  // little may be left of a task's stack
  struct sigaction before {};
  sigaction(SIGURG, &handler, &before);
  Question question;
  asked = &question;
  const bool answered = pthread_kill(thread, SIGURG) == 0 && wait_a_little(question.answered);
  if (!answered && asked.exchange(nullptr) == nullptr) wait(question.answered);  // the handler has just begun
  sigaction(SIGURG, &before, nullptr);
  return std::vector<void*>(question.frames.begin(),
                            question.frames.begin() + static_cast<std::ptrdiff_t>(question.count));
}

}  // namespace tractor
