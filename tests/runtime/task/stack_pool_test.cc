// Stacks: what guards their ends, and what becomes of their memory.
#include "runtime/task/stack_pool.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tractor {
namespace {

TEST(StackPool, without_a_guard_page_what_is_written_beyond_the_end_shows) {
  StackPool pool(0);
  const Stack lowest = pool.take();
  const Stack stack = pool.take();
  EXPECT_TRUE(lowest.guarded);
  ASSERT_FALSE(stack.guarded);
  std::fill(lowest.base, lowest.top(), 'x');
  std::fill(stack.base, stack.top(), 'x');
  EXPECT_FALSE(StackPool::overflowed(lowest));
  EXPECT_FALSE(StackPool::overflowed(stack));
  stack.base[-1] = 'x';
  EXPECT_TRUE(StackPool::overflowed(stack));
}

TEST(StackPool, the_first_stacks_have_guard_pages) {
  StackPool pool(2);
  for (const bool guarded : {true, true, false}) EXPECT_EQ(pool.take().guarded, guarded);
}

TEST(StackPool, of_many_free_stacks_few_keep_their_memory) {
  constexpr std::size_t kStacks = StackPool::kWarmStacks + StackPool::kStacksPerBatch + 1;
  StackPool pool;
  std::vector<Stack> stacks;
  for (std::size_t i = 0; i < kStacks; ++i) stacks.push_back(pool.take());
  for (const Stack& stack : stacks) {
    *stack.base = 'x';
    *(stack.top() - 1) = 'x';
    pool.give_back(stack);
  }
  EXPECT_TRUE(pool.release_surplus());
  EXPECT_FALSE(pool.release_surplus());
  const auto resident = [](char* address) {
    unsigned char answer = 0;
    char* page = address - reinterpret_cast<std::uintptr_t>(address) % StackPool::kPage;
    EXPECT_EQ(mincore(page, 1, &answer), 0);
    return (answer & 1) != 0;
  };
  const auto kept = std::count_if(stacks.begin(), stacks.end(),
                                  [&](const Stack& s) { return resident(s.base) || resident(s.top() - 1); });
  EXPECT_EQ(static_cast<std::size_t>(kept), StackPool::kWarmStacks);
  EXPECT_TRUE(resident(pool.take().base));  // one of those
}

}  // namespace
}  // namespace tractor
