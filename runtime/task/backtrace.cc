#include "runtime/task/backtrace.h"

#include <unwind.h>

namespace tractor {
namespace {

struct Trace {
  std::span<void*> frames;
  int to_skip;
  std::size_t count = 0;
};

_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* argument) {
  Trace& trace = *static_cast<Trace*>(argument);
  if (trace.to_skip > 0) {
    --trace.to_skip;
    return _URC_NO_REASON;
  }
  if (trace.count == trace.frames.size()) return _URC_END_OF_STACK;
  // Where a signal has interrupted a function it is the address of the next instruction, everywhere else of the one
  // after a call: the latter is what is promised.
  int is_next = 0;
  const _Unwind_Ptr address = _Unwind_GetIPInfo(context, &is_next);
  trace.frames[trace.count++] = reinterpret_cast<void*>(address + static_cast<_Unwind_Ptr>(is_next));
  return _URC_NO_REASON;
}

}  // namespace

[[gnu::noinline]] std::size_t backtrace(std::span<void*> frames, int skip) noexcept {
  Trace trace{.frames = frames, .to_skip = skip + 1};  // and this function
  _Unwind_Backtrace(add_frame, &trace);
  return trace.count;
}

}  // namespace tractor
