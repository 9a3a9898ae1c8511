// The stacks of tasks: 256 KiB of address space each, of which a task that waits in a shallow call keeps one page
// resident.
//
// Owned by one scheduler, used on its thread. Stacks are cut from slabs, because one mapping for each would exceed
// vm.max_map_count (65,530). The first 16,000 have a guard page below them (two mappings each); the others are checked
// when they come back: the lowest bytes of a stack that did not overflow were never written and are zero still, which
// costs no resident page to know.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/task/sanitizers.h"

namespace tractor {

struct Stack {
  char* base = nullptr;  // the lowest byte that may be used
  std::size_t size = 0;
  bool guarded = false;

  char* top() const { return base + size; }
};

class StackPool {
 public:
  // Sanitizers make frames several times larger; address space that is not touched is free.
  static constexpr std::size_t kStackSize = kSanitized ? 1024 * 1024 : 256 * 1024;
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kGuardedStacks = 16'000;
  static constexpr std::size_t kStacksPerSlab = 64;
  // Free stacks beyond these give their memory back to the system (and keep their address space).
  static constexpr std::size_t kWarmStacks = 1024;

  StackPool() = default;
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;
  ~StackPool();

  // Throws Error when the system has no more memory to map.
  Stack take();
  void give_back(Stack stack) noexcept;
  // Whether a stack without a guard page was written to its end. Always false for the others: they fault.
  static bool overflowed(const Stack& stack) noexcept;

 private:
  Stack carve();

  std::vector<Stack> free_;
  std::vector<char*> slabs_;
  std::size_t carved_ = 0;
};

}  // namespace tractor
