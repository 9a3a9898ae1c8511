// What this program measures: each measurement gives one or more named figures, some with a limit that the project
// promises to keep.
//
// A measurement runs in the root task of a program, so that it may start actors, and nothing else runs then. It takes
// rounds and reports medians, because absolute times of a shared machine move by half from hour to hour. Where two
// things are compared, each round measures both in turn, and the figure is the median of the rounds' ratios.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "samples.h"

namespace bench {

// What a figure must keep: a number alone is the most that it may be.
struct Limit {
  Limit() = default;
  Limit(double most) : at_most(most) {}
  static Limit of_at_least(double least) {
    Limit limit;
    limit.at_least = least;
    return limit;
  }
  bool holds(double value) const { return (!at_most || value <= *at_most) && (!at_least || value >= *at_least); }

  std::optional<double> at_most;
  std::optional<double> at_least;
};

struct Figure {
  std::string name;
  std::string unit;  // empty for ratios
  Limit limit;
  std::string meaning;  // for the table and --help
};

using Values = std::map<std::string, double>;  // by the figures' names

struct Settings {
  int rounds = 11;
  std::string directory = {};  // for sockets; ours alone
  std::function<void(int round, int rounds)> progress = {};
  // Takes latencies, which are told as histograms: those of one name together.
  std::function<void(const std::string& name, const Histogram& latencies)> record = {};
};

struct Measurement {
  std::vector<Figure> figures;
  // A value for each of the figures.
  std::function<Values(const Settings&)> run;
};

enum class Transport { kUnix, kTcp };

// In the order in which they run.
std::vector<Measurement> all_measurements();

Measurement task_switch();
Measurement task_spawn();
Measurement channel_hop();
Measurement throw_cancelled();
Measurement parked_tasks();
Measurement values();
Measurement spawn();
Measurement actor_memory();
Measurement cancel_many();
Measurement death_notice();
Measurement restart();
Measurement one_call_at_a_time(Transport transport);
Measurement many_calls_at_once(Transport transport);
Measurement streams(Transport transport);
Measurement dialog(Transport transport);
Measurement idle_streams();
Measurement slow_consumer();

// Runs `round` that often, after once that is not counted (caches are cold, memory is mapped), and gives the median of
// each of its values.
Values medians(const Settings& settings, int rounds, const std::function<Values()>& round);

// VmRSS of a process, in MB of 1024 kB.
double resident_megabytes(std::int64_t pid);

}  // namespace bench
