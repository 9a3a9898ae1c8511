#include "runtime/task/stack_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "runtime/task/error.h"

namespace tractor {

namespace {

constexpr std::size_t kSlabSize = StackPool::kStackSize * StackPool::kStacksPerSlab;
constexpr std::size_t kCanary = 64;

char* map_slab() {
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
  void* slab = ::mmap(nullptr, kSlabSize, PROT_READ | PROT_WRITE, kFlags, -1, 0);
  if (slab == MAP_FAILED) {
    throw Error("cannot start a task: no memory for its stack: " + std::generic_category().message(errno));
  }
  // With huge pages a parked task would cost 262 KB instead of 4 KB.
  ::madvise(slab, kSlabSize, MADV_NOHUGEPAGE);
  return static_cast<char*>(slab);
}

}  // namespace

StackPool::~StackPool() {
  for (char* slab : slabs_) ::munmap(slab, kSlabSize);
}

Stack StackPool::take() {
  Stack stack{};
  if (free_.empty()) {
    stack = carve();
  } else {
    stack = free_.back();
    free_.pop_back();
  }
#ifdef TRACTOR_ASAN
  // The frames of the last task on it never returned; also where an earlier pool had a stack at this address.
  __asan_unpoison_memory_region(stack.base, stack.size);
#endif
  return stack;
}

Stack StackPool::carve() {
  const std::size_t index = carved_ % kStacksPerSlab;
  if (index == 0) {
    slabs_.reserve(slabs_.size() + 1);
    free_.reserve((slabs_.size() + 1) * kStacksPerSlab);  // so that give_back never allocates
    slabs_.push_back(map_slab());
  }
  Stack stack{.base = slabs_.back() + index * kStackSize, .size = kStackSize, .guarded = false};
  if (carved_ < kGuardedStacks && ::mprotect(stack.base, kPage, PROT_NONE) == 0) {
    stack.base += kPage;
    stack.size -= kPage;
    stack.guarded = true;
  }
  ++carved_;
  return stack;
}

void StackPool::give_back(Stack stack) noexcept {
  if (free_.size() >= kWarmStacks) ::madvise(stack.base, stack.size, MADV_DONTNEED);
  free_.push_back(stack);
}

bool StackPool::overflowed(const Stack& stack) noexcept {
  return !stack.guarded && std::any_of(stack.base, stack.base + kCanary, [](char c) { return c != 0; });
}

}  // namespace tractor
