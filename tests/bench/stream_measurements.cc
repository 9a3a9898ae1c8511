// What streams cost that nobody reads, or reads slowly.
#include <tractor/tractor.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "functions.h"
#include "measurement.h"
#include "samples.h"

namespace bench {
namespace {

constexpr int kIdleStreams = 10'000;  // a tenth of that with --rounds 1, which asks whether it works
constexpr int kCalls = 2'000;

double call_p50_us(tractor::Portal& portal) {
  std::vector<double> latencies;
  for (int i = 0; i < kCalls; ++i) {
    const Stopwatch watch;
    portal.run(echo, kText);
    latencies.push_back(watch.microseconds());
  }
  return quantile(latencies, 0.50);
}

// Resident memory of this process and of the actor.
struct Memory {
  explicit Memory(tractor::Portal& actor)
      : here(resident_megabytes(getpid())), there(resident_megabytes(actor.run(own_pid))) {}
  double here;
  double there;
};
double most_growth(const Memory& before, const Memory& after) {
  return std::max(after.here - before.here, after.there - before.there);
}

// Once: what was touched stays resident.
template <class F>
Values with_actor(F measure) {
  return tractor::open_nursery([&](tractor::ActorNursery& nursery) {
    tractor::Portal actor = nursery.start_actor("streamer", {.modules = {kModule}});
    call_p50_us(actor);  // connects, and fills caches
    const Values values = measure(actor);
    actor.cancel_actor();
    return values;
  });
}

Values measure_idle_streams(tractor::Portal& actor, int count) {
  const double alone = call_p50_us(actor);
  const Memory before(actor);
  std::vector<tractor::Stream<int>> streams;
  for (int i = 0; i < count; ++i) streams.push_back(actor.run(idle));
  for (tractor::Stream<int>& stream : streams) stream.next();
  const Memory after(actor);
  const double beside = call_p50_us(actor);
  return {{"idle_streams_mb", most_growth(before, after)}, {"call_beside_idle_streams", beside / alone}};
}

Values measure_slow_consumer(tractor::Portal& actor) {
  const Memory before(actor);
  double most = 0;
  tractor::Stream<std::string> stream = actor.run(items_forever, std::size_t{1} << 20);
  for (int i = 0; i < 30; ++i) {
    stream.next();
    tractor::sleep(std::chrono::milliseconds(20));
    most = std::max(most, most_growth(before, Memory(actor)));
  }
  return {{"slow_consumer_mb", most}};
}

}  // namespace

Measurement idle_streams() {
  return {
      .figures = {{"idle_streams_mb", "MB", 200, "VmRSS that 10,000 idle streams add, at the side where it is more"},
                  {"call_beside_idle_streams", "", 1.3, "a call beside them over a call without them"}},
      .run = [](const Settings& settings) {
        const int count = settings.rounds == 1 ? kIdleStreams / 10 : kIdleStreams;
        return with_actor([&](tractor::Portal& actor) { return measure_idle_streams(actor, count); });
      }};
}

Measurement slow_consumer() {
  return {.figures = {{"slow_consumer_mb", "MB", 64, "VmRSS that an endless stream of 1 MiB items adds, read slowly"}},
          .run = [](const Settings&) { return with_actor(measure_slow_consumer); }};
}

}  // namespace bench
