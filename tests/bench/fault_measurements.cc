// What it costs when actors end: being cancelled, dying, and coming back.
#include <signal.h>
#include <tractor/tractor.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>
#include <vector>

#include "functions.h"
#include "measurement.h"
#include "samples.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

constexpr int kFewRounds = 3;
constexpr int kDeaths = 100;
constexpr int kRestarts = 30;

constexpr const char* kLeaf = "leaf";

void start_level(tractor::ActorNursery& nursery, const std::vector<int>& widths) {
  const std::vector<int> below(widths.begin() + 1, widths.end());
  tractor::open_task_nursery([&](tractor::TaskNursery& tasks) {
    for (int i = 0; i < widths.front(); ++i) {
      tasks.start_soon([&] {
        if (below.empty()) {
          nursery.start_actor(kLeaf);
        } else {
          nursery.run_in_actor("node", grow, below);
        }
      });
    }
  });
}

// From asking 100 idle actors to end until the last process is reaped.
double milliseconds_to_cancel(const std::vector<int>& widths) {
  const auto leaves = std::accumulate(widths.begin(), widths.end(), std::size_t{1}, std::multiplies<>());
  Stopwatch watch;
  tractor::open_nursery([&](tractor::ActorNursery& nursery) {
    start_level(nursery, widths);
    while (tractor::find_actors(kLeaf).size() < leaves) tractor::sleep(10ms);
    watch = Stopwatch();
    nursery.cancel();
  });
  return watch.milliseconds();
}

Values measure_cancel() {
  return {{"cancel_100_ms", milliseconds_to_cancel({100})}, {"cancel_100_deep_ms", milliseconds_to_cancel({4, 4, 5})}};
}

// From the kill of a child until its nursery, a call to it and a monitor of it all know.
double milliseconds_to_notice() {
  double at_nursery = 0;
  double at_caller = 0;
  double at_monitor = 0;
  std::optional<tractor::Monitor> monitor;
  tractor::Event told;
  Stopwatch watch;
  try {
    tractor::open_nursery([&](tractor::ActorNursery& nursery) {
      tractor::Portal victim = nursery.start_actor("victim", {.modules = {kModule}});
      const auto pid = static_cast<pid_t>(victim.run(own_pid));
      monitor.emplace(victim.monitor([&](const tractor::Down&) {
        at_monitor = watch.milliseconds();
        told.set();
      }));
      tractor::open_task_nursery([&](tractor::TaskNursery& tasks) {
        tasks.start_soon([&] {
          try {
            victim.run(wait_forever);
          } catch (const tractor::RemoteActorError&) {
            at_caller = watch.milliseconds();
          }
        });
        tractor::sleep(1ms);  // the call is there
        watch = Stopwatch();
        kill(pid, SIGKILL);
        try {
          tractor::sleep_forever();
        } catch (const tractor::Cancelled&) {
          at_nursery = watch.milliseconds();
          throw;
        }
      });
    });
  } catch (const tractor::RemoteActorError&) {
  }
  told.wait();
  return std::max({at_nursery, at_caller, at_monitor});
}

Values measure_death(const Settings& settings) {
  std::vector<double> times;
  for (int i = 0; i < kDeaths; ++i) {
    if (settings.progress) settings.progress(i, kDeaths);
    times.push_back(milliseconds_to_notice());
  }
  return {{"death_notice_p99_ms", quantile(times, 0.99)}};
}

// From the kill of a supervised child until its next incarnation has answered a call, over a spawn and a call.
Values measure_restart(const Settings& settings) {
  std::vector<double> restarts;
  std::vector<double> spawns;
  const tractor::log::Level level = tractor::log::level();
  tractor::log::to_console(tractor::log::Level::error);  // each restart is a warning
  tractor::Supervisor supervisor({.intensity = kRestarts + 1, .backoff = {.first = 0ms}});
  supervisor.add("phoenix", {.modules = {kModule}});
  tractor::open_nursery(supervisor, [&] {
    for (int i = 0; i < kRestarts; ++i) {
      if (settings.progress) settings.progress(i, kRestarts);
      const auto pid = static_cast<pid_t>(supervisor.portal("phoenix").run(own_pid));
      const Stopwatch down;
      kill(pid, SIGKILL);
      while (true) {
        try {
          if (supervisor.portal("phoenix").run(own_pid) != pid) break;
        } catch (const tractor::RemoteActorError&) {
          tractor::checkpoint();
        }
      }
      restarts.push_back(down.milliseconds());
      const Stopwatch spawn;
      tractor::open_nursery([&](tractor::ActorNursery& nursery) {
        tractor::Portal plain = nursery.start_actor("plain", {.modules = {kModule}});
        plain.run(own_pid);
        spawns.push_back(spawn.milliseconds());
        plain.cancel_actor();
      });
    }
  });
  tractor::log::to_console(level);
  const double restart = quantile(restarts, 0.5);
  return {{"restart_p50_ms", restart}, {"restart_vs_spawn", restart / quantile(spawns, 0.5)}};
}

}  // namespace

void grow(const std::vector<int>& widths) {
  tractor::open_nursery([&](tractor::ActorNursery& nursery) {
    start_level(nursery, widths);
    tractor::sleep_forever();
  });
}

Measurement cancel_many() {
  return {.figures = {{"cancel_100_ms", "ms", 1000, "cancelling 100 idle daemons until the last is reaped"},
                      {"cancel_100_deep_ms", "ms", 1000, "the same of a tree of depth 3: 4 with 4 each, with 5 each"}},
          .run = [](const Settings& settings) {
            return medians(settings, std::min(settings.rounds, kFewRounds), measure_cancel);
          }};
}

Measurement death_notice() {
  return {
      .figures = {{"death_notice_p99_ms", "ms", 20, "from kill -9 of a child until nursery, caller and monitor know"}},
      .run = measure_death};
}

Measurement restart() {
  return {.figures = {{"restart_p50_ms", "ms", {}, "from kill -9 of a supervised child until it answers again"},
                      {"restart_vs_spawn", "", 3, "the same over starting an actor until it answers"}},
          .run = measure_restart};
}

}  // namespace bench
