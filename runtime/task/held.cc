#include "runtime/task/held.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <iostream>

#include "runtime/task/task.h"

namespace tractor {

void end_because_of_held(const Task& task, const Held& outside) {
  std::cerr << "tractor: the task " << task.name() << " waits "
            << (held_here.mutexes != outside.mutexes
                    ? "while it holds a std::mutex: take a tractor::Lock, or unlock it before"
                    : "in the initializer of a function-local static: compute what it waits for before")
            << ". A task that wants the same meanwhile would block this thread for good.\n"
            << std::flush;
  std::array<void*, 64> frames{};
  backtrace_symbols_fd(frames.data(), ::backtrace(frames.data(), static_cast<int>(frames.size())), STDERR_FILENO);
  std::abort();
}

}  // namespace tractor

#if !defined(NDEBUG) && !defined(TRACTOR_SANITIZED)

namespace tractor {

constinit thread_local Held held_here;

namespace {

// The function of that name that ours stands before.
template <class F>
F* next(std::atomic<F*>& known, const char* name) {
  F* function = known.load(std::memory_order_relaxed);
  if (function == nullptr) known = function = reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
  return function;
}

int counted(int error) {
  if (error == 0) ++held_here.mutexes;
  return error;
}

}  // namespace
}  // namespace tractor

// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static std::atomic<int (*)(pthread_mutex_t*)> known = nullptr;
  return tractor::counted(tractor::next(known, "pthread_mutex_lock")(mutex));
}

int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
  static std::atomic<int (*)(pthread_mutex_t*)> known = nullptr;
  return tractor::counted(tractor::next(known, "pthread_mutex_trylock")(mutex));
}

int pthread_mutex_timedlock(pthread_mutex_t* mutex, const timespec* until) noexcept {
  static std::atomic<int (*)(pthread_mutex_t*, const timespec*)> known = nullptr;
  return tractor::counted(tractor::next(known, "pthread_mutex_timedlock")(mutex, until));
}

int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock, const timespec* until) noexcept {
  static std::atomic<int (*)(pthread_mutex_t*, clockid_t, const timespec*)> known = nullptr;
  return tractor::counted(tractor::next(known, "pthread_mutex_clocklock")(mutex, clock, until));
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
  static std::atomic<int (*)(pthread_mutex_t*)> known = nullptr;
  --tractor::held_here.mutexes;
  return tractor::next(known, "pthread_mutex_unlock")(mutex);
}

int __cxa_guard_acquire(long* guard) {
  static std::atomic<int (*)(long*)> known = nullptr;
  const int begins = tractor::next(known, "__cxa_guard_acquire")(guard);
  if (begins != 0) ++tractor::held_here.initializers;
  return begins;
}

void __cxa_guard_release(long* guard) noexcept {
  static std::atomic<void (*)(long*)> known = nullptr;
  --tractor::held_here.initializers;
  tractor::next(known, "__cxa_guard_release")(guard);
}

void __cxa_guard_abort(long* guard) noexcept {
  static std::atomic<void (*)(long*)> known = nullptr;
  --tractor::held_here.initializers;
  tractor::next(known, "__cxa_guard_abort")(guard);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)

#endif
