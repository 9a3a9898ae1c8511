#include "runtime/metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace tractor::metrics {
namespace {

// From a call of an idle actor on the same host to one that a person waits for.
const prometheus::Histogram::BucketBoundaries kSeconds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                          0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};

prometheus::Gauge& gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}
prometheus::Counter& counter(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

struct Figures {
  prometheus::Registry registry;
  prometheus::Gauge& links = gauge(registry, "tractor_links", "Links that other actors have open to this one.");
  prometheus::Gauge& streams = gauge(registry, "tractor_streams", "Generators and dialogs that are served.");
  prometheus::Gauge& registrations =
      gauge(registry, "tractor_arbiter_registrations", "Actors that are registered at this arbiter.");
  prometheus::Gauge& leases =
      gauge(registry, "tractor_arbiter_leases", "Trees of actors that have a lease at this arbiter.");
  prometheus::Gauge& watchers =
      gauge(registry, "tractor_arbiter_watchers", "Clients that follow the registry at this arbiter.");
  prometheus::Counter& restarts =
      counter(registry, "tractor_restarts_total", "Children that supervisors of this actor started again.");
  prometheus::Counter& finds =
      counter(registry, "tractor_arbiter_finds_total", "Questions for actors that this arbiter answered.");
  prometheus::Counter& events =
      counter(registry, "tractor_arbiter_ledger_events_total", "Events that this arbiter's ledger was told of.");
  prometheus::Histogram& watch_lag = prometheus::BuildHistogram()
                                         .Name("tractor_arbiter_watch_lag_seconds")
                                         .Help("Time from a change of the registry until it was written to a watcher.")
                                         .Register(registry)
                                         .Add({}, kSeconds);
  prometheus::Family<prometheus::Counter>& calls = prometheus::BuildCounter()
                                                       .Name("tractor_calls_total")
                                                       .Help("Calls that were served, by function and gRPC code.")
                                                       .Register(registry);
  prometheus::Family<prometheus::Histogram>& durations =
      prometheus::BuildHistogram()
          .Name("tractor_call_duration_seconds")
          .Help("Time from a call's arrival to its end, by function.")
          .Register(registry);

  prometheus::Gauge& of(Gauge which) {
    switch (which) {
      case Gauge::links:
        return links;
      case Gauge::streams:
        return streams;
      case Gauge::leases:
        return leases;
      case Gauge::watchers:
        return watchers;
      case Gauge::registrations:
        break;
    }
    return registrations;
  }
  prometheus::Counter& of(Counter which) {
    switch (which) {
      case Counter::restarts:
        return restarts;
      case Counter::finds:
        return finds;
      case Counter::events:
        break;
    }
    return events;
  }
};

// Leaked on purpose: threads may count while the process ends.
Figures& figures() {
  static auto* const all = new Figures;
  return *all;
}

}  // namespace

std::atomic<bool> detail::is_enabled = false;

void enable() {
  figures();
  detail::is_enabled = true;
}

void count(Counter counter, std::size_t times) {
  if (enabled()) figures().of(counter).Increment(static_cast<double>(times));
}

void change(Gauge gauge, double by) {
  if (enabled()) figures().of(gauge).Increment(by);
}

void set(Gauge gauge, double value) {
  if (enabled()) figures().of(gauge).Set(value);
}

void call_ended(const std::string& function, const std::string& code, std::chrono::nanoseconds took) {
  if (!enabled()) return;
  figures().calls.Add({{"function", function}, {"code", code}}).Increment();
  figures().durations.Add({{"function", function}}, kSeconds).Observe(std::chrono::duration<double>(took).count());
}

void watcher_told(std::chrono::nanoseconds lag) {
  if (enabled()) figures().watch_lag.Observe(std::chrono::duration<double>(lag).count());
}

std::string as_text() { return prometheus::TextSerializer().Serialize(figures().registry.Collect()); }

}  // namespace tractor::metrics
