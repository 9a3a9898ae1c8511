// What a call to an actor costs, compared with plain gRPC; one machine, over unix sockets and over TCP.
#include <tractor/tractor.h>

#include <functional>
#include <map>
#include <vector>

#include "functions.h"
#include "measurement.h"
#include "raw_grpc.h"
#include "samples.h"
#include "transport.h"

namespace bench {
namespace {

constexpr int kCalls = 2'000;         // a round
constexpr int kCallsAtOnce = 20'480;  // a round
constexpr int kDialogItems = 2'000;   // a round
constexpr std::int64_t kSmallItems = 100'000;
constexpr std::int64_t kStreamedBytes = std::int64_t{64} << 20;  // of the larger ones

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
          .calls_per_second = kCalls / all.seconds(),
          .latencies = Histogram(latencies)};
}

// The same while both sides look for messages before they sleep.
CallTimes time_portal_busy_polling(tractor::Portal& portal) {
  constexpr std::int64_t kMicroseconds = 100;
  busy_poll(kMicroseconds);
  portal.run(busy_poll, kMicroseconds);
  const CallTimes times = time_portal(portal);
  busy_poll(0);
  portal.run(busy_poll, std::int64_t{0});
  return times;
}

// portal.run() from many tasks.
double portal_calls_per_second(tractor::Portal& portal, int tasks) {
  const Stopwatch watch;
  tractor::open_task_nursery([&](tractor::TaskNursery& nursery) {
    for (int task = 0; task < tasks; ++task) {
      nursery.start_soon([&portal, tasks] {
        for (int i = 0; i < kCallsAtOnce / tasks; ++i) portal.run(echo, kText);
      });
    }
  });
  return kCallsAtOnce / watch.seconds();
}

double portal_items_per_second(tractor::Portal& portal, std::int64_t count, std::size_t size) {
  const Stopwatch watch;
  std::int64_t received = 0;
  for (const std::string& item : portal.run(items, count, size)) received += item.size() == size ? 1 : 0;
  if (received != count) throw tractor::Error("items are missing");
  return static_cast<double>(count) / watch.seconds();
}

double portal_chat_p50_us(tractor::Portal& portal) {
  std::vector<double> latencies;
  auto dialog = portal.open_context(chat);
  for (int i = 0; i < kDialogItems; ++i) {
    const Stopwatch watch;
    dialog.send(kText);
    if (dialog.receive() != kText) throw tractor::Error("an item was not answered");
    latencies.push_back(watch.microseconds());
  }
  return quantile(latencies, 0.50);
}

// From a client process, which a worker thread waits for: this actor's loop is idle meanwhile.
CallTimes time_client(Target target, const std::string& address, int calls, int in_flight) {
  return tractor::to_thread([&] { return time_raw_client(target, address, calls, in_flight); });
}

// One round: the figures without their transport.
using Round = std::function<Values(const Settings&, tractor::Portal& actor, const std::string& grpc_address)>;

// Compares over a unix socket; over TCP the figures are called "tcp_...", and nothing is promised.
Measurement compare(Transport transport, std::vector<Figure> figures, const Round& round) {
  std::string prefix;
  if (transport == Transport::kTcp) {
    prefix = "tcp_";
    for (Figure& figure : figures) figure = {prefix + figure.name, figure.unit, {}, figure.meaning + ", over TCP"};
  }
  return {.figures = std::move(figures), .run = [=](const Settings& settings) {
            Values values;
            compare_over(transport, settings.directory, [&](tractor::Portal& actor, const std::string& grpc_address) {
              Settings of_transport = settings;
              of_transport.record = [&](const std::string& name, const Histogram& latencies) {
                settings.record(prefix + name, latencies);
              };
              for (const auto& [name, value] :
                   medians(settings, settings.rounds, [&] { return round(of_transport, actor, grpc_address); }))
                values[prefix + name] = value;
            });
            return values;
          }};
}

Values compare_one_at_a_time(const Settings& settings, tractor::Portal& actor, const std::string& grpc_address) {
  const CallTimes invoke = time_client(Target::kActor, actor.channel().address, kCalls, 1);
  const CallTimes grpc = time_client(Target::kRawServer, grpc_address, kCalls, 1);
  const CallTimes call = time_portal(actor);
  const CallTimes spun = time_portal_busy_polling(actor);
  settings.record("invoke", invoke.latencies);
  settings.record("grpc", grpc.latencies);
  settings.record("call", call.latencies);
  settings.record("call_spin", spun.latencies);
  return {{"invoke_p50_vs_grpc", invoke.p50_us / grpc.p50_us},
          {"invoke_p50_us", invoke.p50_us},
          {"invoke_p99_us", invoke.p99_us},
          {"grpc_p50_us", grpc.p50_us},
          {"grpc_p99_us", grpc.p99_us},
          {"call_p50_vs_grpc", call.p50_us / grpc.p50_us},
          {"call_p50_us", call.p50_us},
          {"call_p99_us", call.p99_us},
          {"call_spin_p50_vs_grpc", spun.p50_us / grpc.p50_us},
          {"call_spin_p50_us", spun.p50_us}};
}

Values compare_many_at_once(const Settings& /*settings*/, tractor::Portal& actor, const std::string& grpc_address) {
  Values values;
  for (const int in_flight : {64, 512}) {
    const double grpc = time_client(Target::kRawServer, grpc_address, kCallsAtOnce, in_flight).calls_per_second;
    const double calls = portal_calls_per_second(actor, in_flight);
    const std::string number = std::to_string(in_flight);
    values["calls_" + number + "_vs_grpc"] = calls / grpc;
    values["calls_" + number + "_per_s"] = calls;
    values["grpc_" + number + "_per_s"] = grpc;
  }
  return values;
}

struct ItemSize {
  std::string name;
  std::size_t bytes;
};
const std::vector<ItemSize> kItemSizes = {{"16b", 16}, {"1k", 1 << 10}, {"64k", 64 << 10}, {"1m", 1 << 20}};

Values compare_streams(const Settings& /*settings*/, tractor::Portal& actor, const std::string& grpc_address) {
  Values values;
  for (const ItemSize& size : kItemSizes) {
    const std::int64_t count = std::min(kSmallItems, kStreamedBytes / static_cast<std::int64_t>(size.bytes));
    const double grpc = tractor::to_thread([&] { return raw_items_per_second(grpc_address, count, size.bytes); });
    const double items = portal_items_per_second(actor, count, size.bytes);
    values["stream_" + size.name + "_vs_grpc"] = items / grpc;
    values["stream_" + size.name + "_per_s"] = items;
    values["grpc_stream_" + size.name + "_per_s"] = grpc;
  }
  return values;
}

Values compare_dialogs(const Settings& /*settings*/, tractor::Portal& actor, const std::string& grpc_address) {
  const double grpc = tractor::to_thread([&] { return raw_chat_p50_us(grpc_address, kDialogItems); });
  const double chat = portal_chat_p50_us(actor);
  return {{"stream_latency_vs_grpc", chat / grpc}, {"dialog_p50_us", chat}, {"grpc_dialog_p50_us", grpc}};
}

}  // namespace

Measurement one_call_at_a_time(Transport transport) {
  return compare(transport,
                 {{"invoke_p50_vs_grpc", "", 1.15, "Invoke of an actor over plain gRPC's echo, the same client"},
                  {"invoke_p50_us", "us", {}, "Invoke of an actor, 16 bytes there and back"},
                  {"invoke_p99_us", "us", {}, "its slowest hundredth"},
                  {"grpc_p50_us", "us", {}, "plain gRPC's echo of 16 bytes"},
                  {"grpc_p99_us", "us", {}, "its slowest hundredth"},
                  {"call_p50_vs_grpc", "", 0.45, "portal.run() in a task over plain gRPC's echo"},
                  {"call_p50_us", "us", {}, "portal.run() in a task, 16 bytes there and back"},
                  {"call_p99_us", "us", {}, "its slowest hundredth"},
                  {"call_spin_p50_vs_grpc", "", 0.30, "the same with busy_poll on both sides"},
                  {"call_spin_p50_us", "us", {}, "its median"}},
                 compare_one_at_a_time);
}

Measurement many_calls_at_once(Transport transport) {
  return compare(
      transport,
      {{"calls_64_vs_grpc", "", Limit::of_at_least(6), "calls a second of 64 tasks over 64 plain calls in flight"},
       {"calls_64_per_s", "1/s", {}, "portal.run() in 64 tasks"},
       {"grpc_64_per_s", "1/s", {}, "plain gRPC's echo, 64 in flight"},
       {"calls_512_vs_grpc", "", Limit::of_at_least(8), "the same with 512"},
       {"calls_512_per_s", "1/s", {}, "portal.run() in 512 tasks"},
       {"grpc_512_per_s", "1/s", {}, "plain gRPC's echo, 512 in flight"}},
      compare_many_at_once);
}

Measurement streams(Transport transport) {
  const std::map<std::string, Limit> limits = {
      {"16b", Limit::of_at_least(15)}, {"64k", Limit::of_at_least(1.0)}, {"1m", Limit::of_at_least(0.9)}, {"1k", {}}};
  std::vector<Figure> figures;
  for (const ItemSize& size : kItemSizes) {
    const std::string bytes = std::to_string(size.bytes) + " bytes";
    figures.push_back({"stream_" + size.name + "_vs_grpc", "", limits.at(size.name),
                       "items of " + bytes + " over a plain stream of one message an item"});
    figures.push_back({"stream_" + size.name + "_per_s", "1/s", {}, "items of " + bytes + " from a generator"});
    figures.push_back({"grpc_stream_" + size.name + "_per_s", "1/s", {}, "messages of " + bytes + " of plain gRPC"});
  }
  return compare(transport, std::move(figures), compare_streams);
}

Measurement dialog(Transport transport) {
  return compare(transport,
                 {{"stream_latency_vs_grpc", "", 1.1, "an item there and one back in a dialog over a plain stream's"},
                  {"dialog_p50_us", "us", {}, "an item there and one back in an idle dialog"},
                  {"grpc_dialog_p50_us", "us", {}, "the same over a plain bidirectional stream"}},
                 compare_dialogs);
}

}  // namespace bench
