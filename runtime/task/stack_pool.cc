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
constexpr std::size_t kRedZone = 64;  // at the top of each stack, for the one above it

char* map_slab() {
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
  void* slab = ::mmap(nullptr, kSlabSize, PROT_READ | PROT_WRITE, kFlags, -1, 0);
  if (slab == MAP_FAILED) {
    throw Error("cannot start a task: no memory for its stack: " + std::generic_category().message(errno));
  }
  // With huge pages a parked task would cost 262 KB instead of 4 KB.
  ::madvise(slab, kSlabSize, MADV_NOHUGEPAGE);
  if (::mprotect(slab, StackPool::kPage, PROT_NONE) != 0) {
    const int error = errno;
    ::munmap(slab, kSlabSize);
    throw Error("cannot start a task: no guard page for its stack: " + std::generic_category().message(error));
  }
  return static_cast<char*>(slab);
}

}  // namespace

StackPool::~StackPool() {
  for (char* slab : slabs_) ::munmap(slab, kSlabSize);
}

Stack StackPool::take() {
  std::vector<Stack>& free = warm_.empty() ? cold_ : warm_;
  Stack stack{};
  if (free.empty()) {
    stack = carve();
  } else {
    stack = free.back();
    free.pop_back();
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
    for (std::vector<Stack>* free : {&warm_, &cold_})  // so that to give back never allocates
      free->reserve((slabs_.size() + 1) * kStacksPerSlab);
    slabs_.push_back(map_slab());
  }
  Stack stack{.base = slabs_.back() + index * kStackSize, .size = kStackSize - kRedZone, .guarded = false};
  if (index == 0 || (carved_ < guarded_stacks_ && ::mprotect(stack.base, kPage, PROT_NONE) == 0)) {
    stack.base += kPage;
    stack.size -= kPage;
    stack.guarded = true;
  }
  ++carved_;
  return stack;
}

void StackPool::give_back(Stack stack) noexcept { warm_.push_back(stack); }

bool StackPool::release_surplus() noexcept {
  if (warm_.size() <= kWarmStacks) return false;
  const auto surplus =
      warm_.begin() + static_cast<std::ptrdiff_t>(std::max(kWarmStacks, warm_.size() - kStacksPerBatch));
  // Neighbours together: tasks that end in the order of their start leave a few long runs.
  std::sort(surplus, warm_.end(), [](const Stack& a, const Stack& b) { return a.base < b.base; });
  for (auto stack = surplus; stack != warm_.end();) {
    char* const base = stack->base;
    char* end = stack->top();
    for (++stack; stack != warm_.end() && stack->base <= end + kPage; ++stack) end = stack->top();  // over a guard page
    ::madvise(base, static_cast<std::size_t>(end - base), MADV_DONTNEED);
  }
  cold_.insert(cold_.end(), surplus, warm_.end());
  warm_.erase(surplus, warm_.end());
  return warm_.size() > kWarmStacks;
}

bool StackPool::overflowed(const Stack& stack) noexcept {
  return !stack.guarded && std::any_of(stack.base - kRedZone, stack.base, [](char c) { return c != 0; });
}

}  // namespace tractor
