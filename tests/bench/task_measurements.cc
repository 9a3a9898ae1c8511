// What tasks cost in one actor, on the production event port: the root task of the running program measures.
#include <tractor/tractor.h>
#include <unistd.h>

#include <algorithm>

#include "measurement.h"
#include "runtime/task/sanitizers.h"
#include "samples.h"

namespace bench {
namespace {

constexpr int kTasksTakingTurns = 2;
constexpr int kTurnsOfEach = 500'000;
constexpr int kTasksPerNursery = 100;
constexpr int kNurseries = 2'000;
constexpr int kItems = 500'000;
constexpr int kThrows = 20'000;
constexpr int kFrames = 10;
// Sanitizers allow few stacks.
constexpr int kParkedTasks = tractor::kSanitized ? 5'000 : 100'000;
constexpr int kRoundsOfParkedTasks = 3;  // they take a second each

double nanoseconds_per_switch() {
  const Stopwatch watch;
  tractor::open_task_nursery([](tractor::TaskNursery& nursery) {
    for (int i = 0; i < kTasksTakingTurns; ++i) {
      nursery.start_soon([] {
        for (int turn = 0; turn < kTurnsOfEach; ++turn) tractor::checkpoint();
      });
    }
  });
  return watch.nanoseconds() / (kTasksTakingTurns * kTurnsOfEach);
}

double nanoseconds_per_task() {
  const Stopwatch watch;
  for (int i = 0; i < kNurseries; ++i) {
    tractor::open_task_nursery([](tractor::TaskNursery& nursery) {
      for (int task = 0; task < kTasksPerNursery; ++task) nursery.start_soon([] {});
    });
  }
  return watch.nanoseconds() / (kNurseries * kTasksPerNursery);
}

double nanoseconds_per_item() {
  const Stopwatch watch;
  tractor::open_task_nursery([](tractor::TaskNursery& nursery) {
    auto [send, receive] = tractor::open_memory_channel<int>(0);
    nursery.start_soon(
        [](tractor::SendChannel<int> out) {
          for (int i = 0; i < kItems; ++i) out.send(i);
        },
        std::move(send));
    while (receive.next()) {
    }
  });
  return watch.nanoseconds() / kItems;
}

// A frame with something to destroy.
[[gnu::noinline]] void descend(int frames, int& destroyed) {
  struct Destroyed {
    int& count;
    ~Destroyed() { ++count; }
  } local{destroyed};
  if (frames > 1) {
    descend(frames - 1, destroyed);
  } else {
    tractor::checkpoint();
  }
}

double microseconds_per_throw() {
  int destroyed = 0;
  const Stopwatch watch;
  for (int i = 0; i < kThrows; ++i) {
    tractor::CancelScope scope;
    scope.cancel();
    scope.run([&] { descend(kFrames, destroyed); });
  }
  const double microseconds = watch.nanoseconds() / 1e3 / kThrows;
  if (destroyed != kThrows * kFrames) throw tractor::Error("Cancelled did not unwind all frames");
  return microseconds;
}

Values measure_parked_tasks() {
  tractor::sleep(std::chrono::seconds(1));  // an idle loop gives back what the last round's stacks took
  const double before = resident_megabytes(::getpid());
  Values values;
  Stopwatch watch;
  tractor::open_task_nursery([&](tractor::TaskNursery& nursery) {
    for (int i = 0; i < kParkedTasks; ++i) nursery.start_soon([] { tractor::sleep_forever(); });
    tractor::checkpoint();
    values["parked_100k_mb"] = resident_megabytes(::getpid()) - before;
    watch = Stopwatch();
    nursery.cancel_scope().cancel();
  });
  values["cancel_100k_tasks_ms"] = watch.milliseconds();
  return values;
}

}  // namespace

Measurement task_switch() {
  return {
      .figures = {{"task_switch_ns", "ns", 50, "a checkpoint of two tasks that take turns"}},
      .run = [](const Settings& settings) {
        return medians(settings, settings.rounds, [] { return Values{{"task_switch_ns", nanoseconds_per_switch()}}; });
      }};
}

Measurement task_spawn() {
  return {.figures = {{"task_spawn_ns", "ns", 400, "start, run and end of an empty task, 100 to a nursery"}},
          .run = [](const Settings& settings) {
            return medians(settings, settings.rounds, [] { return Values{{"task_spawn_ns", nanoseconds_per_task()}}; });
          }};
}

Measurement channel_hop() {
  return {
      .figures = {{"channel_hop_ns", "ns", 200, "an item from task to task through a memory channel without buffer"}},
      .run = [](const Settings& settings) {
        return medians(settings, settings.rounds, [] { return Values{{"channel_hop_ns", nanoseconds_per_item()}}; });
      }};
}

Measurement throw_cancelled() {
  return {.figures = {{"throw_cancelled_us", "us", 20, "Cancelled from a checkpoint through 10 frames to its scope"}},
          .run = [](const Settings& settings) {
            return medians(settings, settings.rounds, [] {
              return Values{{"throw_cancelled_us", microseconds_per_throw()}};
            });
          }};
}

Measurement parked_tasks() {
  return {.figures = {{"parked_100k_mb", "MB", 800, "VmRSS that 100,000 tasks which wait add (MB of 1024 kB)"},
                      {"cancel_100k_tasks_ms", "ms", 500, "from cancelling them to the end of their nursery"}},
          .run = [](const Settings& settings) {
            return medians(settings, std::min(settings.rounds, kRoundsOfParkedTasks), measure_parked_tasks);
          }};
}

}  // namespace bench
