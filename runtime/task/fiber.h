// A stack and the place where its code stopped: what a task is to the processor.
//
// The scheduler's thread has one Fiber for its own stack and one for each task. A switch also carries over the C++
// exception state (__cxa_eh_globals): which exceptions are being handled, and how many are in flight, belongs to a
// stack, not to the thread; without that, destructors that park during unwinding see wrong counts. And it tells the
// sanitizers.
#pragma once

#include <cxxabi.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>

#include "runtime/task/sanitizers.h"

namespace tractor {

class Fiber {
 public:
  // The stack that is running.
  Fiber() {
#ifdef TRACTOR_TSAN
    tsan_ = __tsan_get_current_fiber();
#endif
  }
  // A stack that will run entry(*this) from `top` downwards when it is first switched to. `entry` must not return: it
  // ends with exit_to().
  Fiber(char* top, std::size_t size, void (*entry)(Fiber&))
      : context_(boost::context::detail::make_fcontext(top, size, &Fiber::begin)), entry_(entry) {
#ifdef TRACTOR_ASAN
    bottom_ = top - size;
    size_ = size;
#endif
#ifdef TRACTOR_TSAN
    tsan_ = __tsan_create_fiber(0);
    owns_tsan_ = true;
#endif
  }
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber() {
#ifdef TRACTOR_TSAN
    if (owns_tsan_) __tsan_destroy_fiber(tsan_);
#endif
  }

  // Stops this one, which must be the running one, and continues `to`. Returns when this one is switched to again.
  void switch_to(Fiber& to) {
    leave_for(to);
    arrived(jump(to));
  }
  // The same for the last time: nobody switches to this one again.
  [[noreturn]] void exit_to(Fiber& to) {
#ifdef TRACTOR_ASAN
    __sanitizer_start_switch_fiber(nullptr, to.bottom_, to.size_);
#endif
    jump(to);
    __builtin_unreachable();
  }

  // Where a stack that is stopped has ended; null when it has never run.
  const char* stopped_at() const { return to_ != nullptr ? static_cast<const char*>(context_) : nullptr; }
  // Calls `fn` on the stack of `other`, which has run and is stopped, as if from where it stopped; then goes on here.
  // `fn` must neither throw nor switch.
  void visit(Fiber& other, void (*fn)(void*), void* argument) {
    Visit visit{.visitor = *this, .host = other, .fn = fn, .argument = argument};
    leave_for(other);
    tell_thread_sanitizer(other);
    arrived(boost::context::detail::ontop_fcontext(other.context_, &visit, &Fiber::receive));
  }

 private:
  // What the Itanium C++ ABI calls __cxa_eh_globals, which <cxxabi.h> only declares.
  struct ExceptionState {
    void* caught_exceptions = nullptr;
    unsigned int uncaught_exceptions = 0;
  };
  struct Visit {
    Fiber& visitor;
    Fiber& host;
    void (*fn)(void*);
    void* argument;
  };

  boost::context::detail::transfer_t jump(Fiber& to) {
    auto* state = reinterpret_cast<ExceptionState*>(abi::__cxa_get_globals());
    exception_state_ = *state;
    *state = to.exception_state_;
    to_ = &to;  // not a local: AddressSanitizer frees those of a stack that is left for good before the jump
    tell_thread_sanitizer(to);
    return boost::context::detail::jump_fcontext(to.context_, this);
  }

  void arrived(boost::context::detail::transfer_t transfer) {
    Fiber& from = *static_cast<Fiber*>(transfer.data);
    from.context_ = transfer.fctx;
    arrive_from(from);
  }

  static void begin(boost::context::detail::transfer_t transfer) noexcept {
    Fiber& self = *static_cast<Fiber*>(transfer.data)->to_;
    self.arrived(transfer);
    self.entry_(self);
  }

  // Runs above where the host has stopped; what it returns is what stopped it gets when the host goes on.
  static boost::context::detail::transfer_t receive(boost::context::detail::transfer_t transfer) noexcept {
    const Visit& visit = *static_cast<Visit*>(transfer.data);
    Fiber& host = visit.host;
    host.arrive_from(visit.visitor);
    visit.fn(visit.argument);
    host.leave_for(visit.visitor);
    host.tell_thread_sanitizer(visit.visitor);
    return boost::context::detail::jump_fcontext(transfer.fctx, &host);
  }

  // --- what the sanitizers want to know of a switch ---
  void leave_for([[maybe_unused]] Fiber& to) {
#ifdef TRACTOR_ASAN
    __sanitizer_start_switch_fiber(&fake_stack_, to.bottom_, to.size_);
#endif
  }
  void arrive_from([[maybe_unused]] Fiber& from) {
#ifdef TRACTOR_ASAN
    __sanitizer_finish_switch_fiber(fake_stack_, &from.bottom_, &from.size_);
#endif
  }
  static void tell_thread_sanitizer([[maybe_unused]] Fiber& to) {
#ifdef TRACTOR_TSAN
    __tsan_switch_to_fiber(to.tsan_, 0);
#endif
  }

  boost::context::detail::fcontext_t context_ = nullptr;
  ExceptionState exception_state_;
  Fiber* to_ = nullptr;  // whom this one switched to last
  void (*entry_)(Fiber&) = nullptr;
#ifdef TRACTOR_ASAN
  void* fake_stack_ = nullptr;
  const void* bottom_ = nullptr;
  std::size_t size_ = 0;
#endif
#ifdef TRACTOR_TSAN
  void* tsan_ = nullptr;
  bool owns_tsan_ = false;
#endif
};

}  // namespace tractor
