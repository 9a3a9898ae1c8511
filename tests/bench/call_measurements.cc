// What a call to an actor costs, compared with plain gRPC; one machine, unix sockets.
#include <tractor/tractor.h>

#include <functional>

#include "functions.h"
#include "measurement.h"
#include "raw_grpc.h"
#include "samples.h"

namespace bench {
namespace {

constexpr int kCalls = 2'000;  // a round
constexpr int kInFlight = 64;
constexpr int kCallsAtOnce = 300 * kInFlight;  // a round

// portal.run() from this task, one call after the other.
CallTimes time_portal(tractor::Portal& portal) {
  std::vector<double> latencies;
  latencies.reserve(kCalls);
  const Stopwatch all;
  for (int i = 0; i < kCalls; ++i) {
    const Stopwatch one;
    portal.run(echo, kText);
    latencies.push_back(one.microseconds());
  }
  return {.p50_us = quantile(latencies, 0.50),
          .p99_us = quantile(latencies, 0.99),
          .calls_per_second = kCalls / all.seconds()};
}

// portal.run() from many tasks.
double portal_calls_per_second(tractor::Portal& portal) {
  const Stopwatch watch;
  tractor::open_task_nursery([&](tractor::TaskNursery& nursery) {
    for (int task = 0; task < kInFlight; ++task) {
      nursery.start_soon([&portal] {
        for (int i = 0; i < kCallsAtOnce / kInFlight; ++i) portal.run(echo, kText);
      });
    }
  });
  return kCallsAtOnce / watch.seconds();
}

// From a client process, which a worker thread waits for: this actor's loop is idle meanwhile.
CallTimes time_client(Target target, const std::string& address, int calls, int in_flight) {
  return tractor::to_thread([&] { return time_raw_client(target, address, calls, in_flight); });
}

// Runs rounds that compare an actor, through its portal, with a plain gRPC server at that address.
Values compare(const Settings& settings,
               const std::function<Values(tractor::Portal& actor, const std::string& grpc)>& round) {
  const std::string address = "unix:" + settings.directory + "/raw.sock";
  const RawServer server(address);
  return tractor::open_nursery([&](tractor::ActorNursery& nursery) {
    tractor::Portal actor = nursery.start_actor("echo", {.modules = {kModule}});
    actor.run(echo, kText);  // connects
    const Values values = medians(settings, settings.rounds, [&] { return round(actor, address); });
    actor.cancel_actor();
    return values;
  });
}

Values compare_one_at_a_time(tractor::Portal& actor, const std::string& grpc_address) {
  const CallTimes invoke = time_client(Target::kActor, actor.channel().address, kCalls, 1);
  const CallTimes grpc = time_client(Target::kRawServer, grpc_address, kCalls, 1);
  const CallTimes call = time_portal(actor);
  return {{"invoke_p50_vs_grpc", invoke.p50_us / grpc.p50_us},
          {"invoke_p50_us", invoke.p50_us},
          {"invoke_p99_us", invoke.p99_us},
          {"grpc_p50_us", grpc.p50_us},
          {"grpc_p99_us", grpc.p99_us},
          {"call_p50_vs_grpc", call.p50_us / grpc.p50_us},
          {"call_p50_us", call.p50_us},
          {"call_p99_us", call.p99_us}};
}

Values compare_many_at_once(tractor::Portal& actor, const std::string& grpc_address) {
  const double grpc = time_client(Target::kRawServer, grpc_address, kCallsAtOnce, kInFlight).calls_per_second;
  const double calls = portal_calls_per_second(actor);
  return {{"calls_64_vs_grpc", calls / grpc}, {"calls_64_per_s", calls}, {"grpc_64_per_s", grpc}};
}

}  // namespace

Measurement one_call_at_a_time() {
  return {.figures = {{"invoke_p50_vs_grpc", "", 1.3, "Invoke of an actor over plain gRPC's echo, the same client"},
                      {"invoke_p50_us", "us", {}, "Invoke of an actor, 16 bytes there and back"},
                      {"invoke_p99_us", "us", {}, "its slowest hundredth"},
                      {"grpc_p50_us", "us", {}, "plain gRPC's echo of 16 bytes"},
                      {"grpc_p99_us", "us", {}, "its slowest hundredth"},
                      {"call_p50_vs_grpc", "", {}, "portal.run() in a task over plain gRPC's echo"},
                      {"call_p50_us", "us", {}, "portal.run() in a task, 16 bytes there and back"},
                      {"call_p99_us", "us", {}, "its slowest hundredth"}},
          .run = [](const Settings& settings) { return compare(settings, compare_one_at_a_time); }};
}

Measurement many_calls_at_once() {
  return {.figures =
              {{"calls_64_vs_grpc", "", {}, "calls a second, 64 tasks in portal.run() over 64 plain calls in flight"},
               {"calls_64_per_s", "1/s", {}, "portal.run() in 64 tasks"},
               {"grpc_64_per_s", "1/s", {}, "plain gRPC's echo, 64 in flight"}},
          .run = [](const Settings& settings) { return compare(settings, compare_many_at_once); }};
}

}  // namespace bench
