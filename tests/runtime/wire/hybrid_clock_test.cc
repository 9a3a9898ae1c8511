#include "runtime/wire/hybrid_clock.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace tractor {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

TEST(HybridClock, tells_the_time_of_its_host) {
  microseconds wall = 1000s;
  HybridClock clock([&] { return wall; });
  EXPECT_EQ(HybridClock::wall_time(clock.tick()), 1000s);
  wall += 5us;
  EXPECT_EQ(HybridClock::wall_time(clock.tick()), 1000s + 5us);
  EXPECT_EQ(HybridClock::wall_time(HybridClock::at(1s)), 1s);
}

TEST(HybridClock, grows_with_each_tick_also_when_the_hosts_clock_stands_or_is_set_back) {
  microseconds wall = 1000s;
  HybridClock clock([&] { return wall; });
  std::uint64_t last = clock.tick();
  for (int i = 0; i < 10'000; ++i) {
    if (i == 5'000) wall = 1s;
    const std::uint64_t next = clock.tick();
    EXPECT_GT(next, last);
    EXPECT_GE(clock.now(), next);
    last = next;
  }
  EXPECT_LT(HybridClock::wall_time(last), 1000s + 10us);  // 4,096 ticks are a microsecond
}

TEST(HybridClock, goes_on_from_what_it_observes_and_never_back) {
  HybridClock clock([] { return microseconds(1000s); });
  clock.observe(HybridClock::at(2000s));
  EXPECT_GT(clock.tick(), HybridClock::at(2000s));
  clock.observe(HybridClock::at(1500s));
  EXPECT_GT(clock.tick(), HybridClock::at(2000s));
}

TEST(HybridClock, does_not_believe_what_leaves_no_time_after_it) {
  HybridClock clock([] { return microseconds(1000s); });
  clock.observe(~std::uint64_t{0});
  EXPECT_EQ(HybridClock::wall_time(clock.tick()), 1000s);
}

TEST(HybridClock, a_host_of_before_1970_has_a_time_too) {
  HybridClock clock([] { return microseconds(-5s); });
  const std::uint64_t first = clock.tick();
  EXPECT_LT(first, clock.tick());
}

TEST(HybridClock, no_two_threads_get_the_same_tick) {
  HybridClock clock([] { return microseconds(1000s); });
  constexpr std::size_t kTicks = 10'000;
  std::vector<std::uint64_t> here, there;
  std::thread other([&] {
    for (std::size_t i = 0; i < kTicks; ++i) there.push_back(clock.tick());
  });
  for (std::size_t i = 0; i < kTicks; ++i) here.push_back(clock.tick());
  other.join();
  std::set<std::uint64_t> all(here.begin(), here.end());
  all.insert(there.begin(), there.end());
  EXPECT_EQ(all.size(), 2 * kTicks);
}

// Processes whose clocks are hours apart, run at different speeds and are set back now and then; they send each other
// messages at random. What happened before what is told by vector clocks (Mattern, 1988).
class Skewed : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Seeds, Skewed, testing::Range(0, 20));

TEST_P(Skewed, what_happened_before_has_the_smaller_time) {
  constexpr std::size_t kProcesses = 5;
  constexpr int kSteps = 1'000;
  using Vector = std::array<int, kProcesses>;
  struct Happening {
    std::uint64_t time;
    Vector after;
  };
  struct Message {
    std::uint64_t clock;
    Vector after;
  };
  std::mt19937 random(static_cast<unsigned>(GetParam()));
  const auto pick = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };

  std::array<microseconds, kProcesses> walls{};
  std::array<std::unique_ptr<HybridClock>, kProcesses> clocks;
  microseconds furthest{0};
  for (std::size_t p = 0; p < kProcesses; ++p) {
    walls[p] = std::chrono::hours(1000 + pick(48));
    clocks[p] = std::make_unique<HybridClock>([&walls, p] { return walls[p]; });
  }
  std::array<Vector, kProcesses> vectors{};
  std::array<std::vector<Message>, kProcesses> inboxes;
  std::vector<Happening> happened;
  for (int step = 0; step < kSteps; ++step) {
    const auto p = static_cast<std::size_t>(pick(kProcesses));
    walls[p] += microseconds(pick(3));
    if (pick(100) == 0) walls[p] -= std::chrono::minutes(pick(60));
    furthest = std::max(furthest, walls[p]);
    if (pick(2) == 0 && !inboxes[p].empty()) {
      const Message message = inboxes[p].back();
      inboxes[p].pop_back();
      clocks[p]->observe(message.clock);
      for (std::size_t i = 0; i < kProcesses; ++i) vectors[p][i] = std::max(vectors[p][i], message.after[i]);
    }
    ++vectors[p][p];
    happened.push_back({clocks[p]->tick(), vectors[p]});
    inboxes[static_cast<std::size_t>(pick(kProcesses))].push_back({clocks[p]->now(), vectors[p]});
    EXPECT_LE(HybridClock::wall_time(happened.back().time), furthest + 1us);
  }
  int ordered = 0;
  for (const Happening& a : happened) {
    for (const Happening& b : happened) {
      const bool before = a.after != b.after && std::ranges::equal(a.after, b.after, std::ranges::less_equal{});
      if (!before) continue;
      ++ordered;
      ASSERT_LT(a.time, b.time);
    }
  }
  EXPECT_GT(ordered, kSteps * kSteps / 10);  // else it says nothing
}

}  // namespace
}  // namespace tractor
