// Taking times and summing them up.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <istream>
#include <map>
#include <ostream>
#include <vector>

namespace bench {

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
  double milliseconds() const { return seconds() * 1e3; }
  double microseconds() const { return seconds() * 1e6; }
  double nanoseconds() const { return seconds() * 1e9; }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// The sample below which that fraction of them lies. There must be one.
inline double quantile(std::vector<double> samples, double fraction) {
  const auto nth = samples.begin() + static_cast<std::ptrdiff_t>(fraction * static_cast<double>(samples.size() - 1));
  std::nth_element(samples.begin(), nth, samples.end());
  return *nth;
}

// How many latencies were how long: four buckets to a doubling, each known by its upper bound.
class Histogram {
 public:
  Histogram() = default;
  explicit Histogram(const std::vector<double>& microseconds) {
    for (const double latency : microseconds) ++counts_[static_cast<int>(std::ceil(4 * std::log2(latency)))];
  }

  static double upper_bound_us(int bucket) { return std::exp2(bucket / 4.0); }
  const std::map<int, std::int64_t>& counts() const { return counts_; }
  void add(const Histogram& other) {
    for (const auto& [bucket, count] : other.counts_) counts_[bucket] += count;
  }

  // One line, to the end of which it reads.
  friend std::ostream& operator<<(std::ostream& out, const Histogram& histogram) {
    for (const auto& [bucket, count] : histogram.counts_) out << bucket << ' ' << count << ' ';
    return out;
  }
  friend std::istream& operator>>(std::istream& in, Histogram& histogram) {
    int bucket = 0;
    for (std::int64_t count = 0; in >> bucket >> count;) histogram.counts_[bucket] += count;
    return in;
  }

 private:
  std::map<int, std::int64_t> counts_;
};

}  // namespace bench
