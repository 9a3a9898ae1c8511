// What tasks cost in one actor, on the production event port: the root task of the running program measures.
#include <tractor/tractor.h>

#include "measurement.h"
#include "samples.h"

namespace bench {
namespace {

constexpr int kTasksTakingTurns = 2;
constexpr int kTurnsOfEach = 500'000;
constexpr int kTasksPerNursery = 100;
constexpr int kNurseries = 2'000;

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

}  // namespace

Measurement task_switch() {
  return {
      .figures = {{"task_switch_ns", "ns", 60, "a checkpoint of two tasks that take turns"}},
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

}  // namespace bench
