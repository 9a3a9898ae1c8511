// The stacks of tasks: 256 KiB of address space each, of which a task that waits in a shallow call keeps one page
// resident.
//
// Owned by one scheduler, used on its thread. Stacks are cut from slabs, because one mapping for each would exceed
// vm.max_map_count (65,530). The first 16,000, and the lowest of each slab, have a guard page below them (two mappings
// each); the others are checked when they come back: the bytes below them, at the top of their neighbour, where nothing
// is ever kept, are zero unless they overflowed. That page is mostly resident: looking at their own lowest one was a
// page fault each (100,000 tasks took 3.1 s to end on a virtual machine with that and a madvise() each, now 0.3 s).
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
  static constexpr std::size_t kStacksPerBatch = 512;

  explicit StackPool(std::size_t guarded_stacks = kGuardedStacks) : guarded_stacks_(guarded_stacks) {}
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;
  ~StackPool();

  // Throws Error when the system has no more memory to map.
  Stack take();
  void give_back(Stack stack) noexcept;
  // Gives the memory of up to kStacksPerBatch surplus stacks back, about a millisecond's work; whether there are more.
  // For a loop that has nothing else to do: many tasks that end at once take a third longer otherwise.
  bool release_surplus() noexcept;
  // Whether a stack without a guard page was written beyond its end. Always false for the others: they fault.
  static bool overflowed(const Stack& stack) noexcept;

 private:
  Stack carve();

  const std::size_t guarded_stacks_;
  std::vector<Stack> warm_;  // free, and as their last tasks left them
  std::vector<Stack> cold_;  // free, without memory
  std::vector<char*> slabs_;
  std::size_t carved_ = 0;
};

}  // namespace tractor
