// What this process counts, for Prometheus. prometheus-cpp keeps the figures.
//
// Nothing is counted, and nothing costs anything, until enable(). Any thread. Labels are bounded: functions that the
// program knows, and gRPC's codes.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

namespace tractor::metrics {

enum class Gauge {
  links,          // that other actors have open to this one
  streams,        // generators and dialogs that are served
  registrations,  // in the arbiter
  leases,         // of trees that register actors there
  watchers,       // that follow the registry
};
enum class Counter {
  restarts,  // by supervisors of this actor
  finds,     // answered by the arbiter
  events,    // that its ledger was told of
};

namespace detail {
extern std::atomic<bool> is_enabled;
}

// From now on everything is counted. Before there is anything to count.
void enable();
inline bool enabled() { return detail::is_enabled.load(std::memory_order_relaxed); }

void count(Counter counter, std::size_t times = 1);
void change(Gauge gauge, double by);
void set(Gauge gauge, double value);
// A call that was served: the function, or "" when there is none of that name, and the name of its gRPC code.
void call_ended(const std::string& function, const std::string& code, std::chrono::nanoseconds took);

// A change of the registry has been written to a watcher, so long after it came about.
void watcher_told(std::chrono::nanoseconds lag);

// All of it in Prometheus' text format.
std::string as_text();

// Is counted by a gauge for as long as it lives.
class Held {
 public:
  explicit Held(Gauge gauge, bool counts = true) : gauge_(gauge), counts_(counts && enabled()) {
    if (counts_) change(gauge_, 1);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() {
    if (counts_) change(gauge_, -1);
  }

 private:
  Gauge gauge_;
  bool counts_;
};

}  // namespace tractor::metrics
