#include "runtime/task/throw_trace.h"

#include <cxxabi.h>
#include <dlfcn.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <typeinfo>
#include <unordered_map>

#include "runtime/task/backtrace.h"
#include "runtime/task/error.h"
#include "runtime/task/scheduler_state.h"

namespace tractor {

namespace {

using Destructor = void (*)(void*);

struct Trace {
  static constexpr std::size_t kMaxFrames = 40;
  std::array<void*, kMaxFrames> frames;
  std::size_t count = 0;
};

struct Thrown {
  Destructor destructor;  // of the exception object; null when it needs none
  Trace trace;
};

// By the address of the exception object. Bounded: a program that keeps more exceptions than that has other worries.
struct Table {
  static constexpr std::size_t kMaxThrown = 16'384;
  std::mutex mutex;
  std::unordered_map<const void*, Thrown> thrown;
};
Table& table() {
  static Table& never_destroyed = *new Table;  // exceptions outlive statics
  return never_destroyed;
}

constinit thread_local bool taken_here = false;
constinit thread_local bool taking = false;  // memory for the trace may be what is missing

void destroy(void* object) {
  Destructor destructor = nullptr;
  {
    const std::lock_guard lock(table().mutex);
    const auto found = table().thrown.find(object);
    destructor = found->second.destructor;
    table().thrown.erase(found);
  }
  if (destructor != nullptr) destructor(object);
}

// The destructor that the exception object is to have from now on.
[[gnu::noinline]] Destructor take_trace(void* object, Destructor destructor) noexcept {
  taking = true;
  Destructor result = destructor;
  try {
    Thrown thrown{.destructor = destructor, .trace = {}};
    thrown.trace.count = backtrace(thrown.trace.frames, 2);  // not this function and __cxa_throw
    const std::lock_guard lock(table().mutex);
    if (table().thrown.size() < Table::kMaxThrown && table().thrown.emplace(object, thrown).second) result = destroy;
  } catch (const std::bad_alloc&) {
  }
  taking = false;
  return result;
}

}  // namespace

std::vector<void*> throw_trace(const std::exception_ptr& error) {
  static_assert(sizeof error == sizeof(void*));
  const void* object = nullptr;
  std::memcpy(&object, &error, sizeof object);
  const std::lock_guard lock(table().mutex);
  const auto found = table().thrown.find(object);
  if (found == table().thrown.end()) return {};
  const Trace& trace = found->second.trace;
  return {trace.frames.begin(), trace.frames.begin() + static_cast<std::ptrdiff_t>(trace.count)};
}

void take_throw_traces_here() noexcept { taken_here = true; }

}  // namespace tractor

// Stands before the C++ library's, which it calls.
extern "C" void __cxxabiv1::__cxa_throw(void* object, std::type_info* type,  // NOLINT(bugprone-reserved-*)
                                        void (*destructor)(void*)) {
  using Throw = void (*)(void*, std::type_info*, void (*)(void*));
  static const Throw next = reinterpret_cast<Throw>(dlsym(RTLD_NEXT, "__cxa_throw"));
  if (next == nullptr) {
    std::fputs("tractor: the C++ library is linked statically: its __cxa_throw cannot be found\n", stderr);
    std::abort();
  }
  if ((tractor::taken_here || tractor::Task::try_current() != nullptr) && !tractor::taking &&
      *type != typeid(tractor::Cancelled)) {
    destructor = tractor::take_trace(object, destructor);
  }
  next(object, type, destructor);
  __builtin_unreachable();
}
