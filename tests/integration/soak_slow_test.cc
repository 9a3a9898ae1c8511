// Starting and cancelling actors for long: nothing grows. 200 rounds, with sanitizers 40; SOAK_ROUNDS (tests/run.sh
// --soak-rounds) asks for more, 10,000 say.
#include "harness.h"
#include "work.h"

namespace tractor::test {
namespace {

// Resident memory of this process, in bytes.
std::int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t size = 0;
  std::int64_t resident = 0;
  statm >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

std::size_t files_below(const std::string& directory) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::recursive_directory_iterator(directory)) ++count;
  return count;
}

using Soak = RealProcesses;

TEST_F(Soak, rounds_of_starting_and_cancelling_let_nothing_grow) {
  const char* wanted = std::getenv("SOAK_ROUNDS");
  const int rounds = wanted == nullptr ? (kSanitized ? 40 : 200) : std::stoi(wanted);
  // Until allocators have what they want and, of many rounds, the ledger is full: 10,000 events, of a round four.
  const int warm_up = std::max(kSanitized ? 10 : 50, rounds / 3);
  alarm(static_cast<unsigned>(rounds + warm_up) * kSlowness + kTestLimitSeconds);
  run([&] {
    const auto round = [](int number) {
      open_nursery([&](ActorNursery& n) {
        Portal daemon = n.start_actor("daemon", {.modules = {"work"}});
        if (number % 4 == 0) daemon.run(ping);
        if (number % 4 == 1) n.run_in_actor("one-shot", ping).result();
        if (number % 4 == 2) move_on_after(1ms, [&] { n.start_actor("too slow"); });
        n.cancel();
      });
    };
    for (int i = 0; i < warm_up; ++i) round(i);
    const std::size_t descriptors = open_descriptors().size();
    const std::size_t files = files_below(runtime_directory());
    const std::int64_t memory = resident_bytes();
    for (int i = 0; i < rounds; ++i) round(i);
    EXPECT_TRUE(eventually([&] { return open_descriptors().size() <= descriptors; }, 15s))
        << descriptors << " -> " << open_descriptors().size();
    EXPECT_LE(files_below(runtime_directory()), files);
    const std::int64_t grown = resident_bytes() - memory;
    std::cout << rounds << " rounds: " << grown / 1024 << " KiB more resident\n";
    if (!kSanitized) {
      EXPECT_LE(grown, 1 << 20);
    }
  });
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define_work)
