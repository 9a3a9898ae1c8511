// What an actor costs as a process: its time to start, and its memory.
#include <tractor/tractor.h>

#include "functions.h"
#include "measurement.h"
#include "own_process.h"
#include "samples.h"

namespace bench {
namespace {

constexpr int kSpawnsPerRound = 5;

// From asking for an actor that runs one function to having its result; ending the actor is not counted.
double milliseconds_to_result() {
  return tractor::open_nursery([](tractor::ActorNursery& nursery) {
    const Stopwatch watch;
    nursery.run_in_actor("one-shot", nothing).result();
    return watch.milliseconds();
  });
}

// The least that a process costs here: started, run, reaped.
double milliseconds_of_a_process() {
  const Stopwatch watch;
  run_program("/bin/true");
  return watch.milliseconds();
}

Values measure_spawn() {
  const double actor = milliseconds_to_result();
  const double process = milliseconds_of_a_process();
  return {{"spawn_p50_ms", actor}, {"posix_spawn_p50_ms", process}, {"spawn_vs_posix_spawn", actor / process}};
}

Values measure_memory() {
  return tractor::open_nursery([](tractor::ActorNursery& nursery) {
    tractor::Portal idle = nursery.start_actor("idle");
    const double megabytes = resident_megabytes(tractor::query_actor("idle").value().pid);
    idle.cancel_actor();
    return Values{{"actor_rss_mb", megabytes}};
  });
}

}  // namespace

Measurement spawn() {
  return {.figures = {{"spawn_p50_ms", "ms", 12, "run_in_actor of an empty function until its result"},
                      {"posix_spawn_p50_ms", "ms", {}, "posix_spawn of /bin/true until it is reaped"},
                      {"spawn_vs_posix_spawn", "", {}, "the one over the other"}},
          .run = [](const Settings& settings) {
            return medians(settings, settings.rounds * kSpawnsPerRound, measure_spawn);
          }};
}

Measurement actor_memory() {
  return {.figures = {{"actor_rss_mb", "MB", 14, "VmRSS of an idle actor (MB of 1024 kB)"}},
          .run = [](const Settings& settings) { return medians(settings, settings.rounds, measure_memory); }};
}

}  // namespace bench
