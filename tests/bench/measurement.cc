#include "measurement.h"

#include <fstream>
#include <stdexcept>

#include "samples.h"

namespace bench {

Values medians(const Settings& settings, int rounds, const std::function<Values()>& round) {
  round();
  std::map<std::string, std::vector<double>> samples;
  for (int i = 0; i < rounds; ++i) {
    settings.progress(i, rounds);
    for (const auto& [name, value] : round()) samples[name].push_back(value);
  }
  Values values;
  for (const auto& [name, of_rounds] : samples) values[name] = quantile(of_rounds, 0.5);
  return values;
}

double resident_megabytes(std::int64_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; status >> word;) {
    if (word != "VmRSS:") continue;
    double kilobytes = 0;
    status >> kilobytes;
    return kilobytes / 1024;
  }
  throw std::runtime_error("process " + std::to_string(pid) + " has no VmRSS in /proc");
}

}  // namespace bench
