// What it costs to find someone: compared with plain gRPC, among many, and over etcd.
#include <grpcpp/create_channel.h>
#include <tractor/tractor.h>

#include <filesystem>
#include <random>

#include "../raw_grpc.h"
#include "../samples.h"
#include "arbiters.h"
#include "etcd/rpc.grpc.pb.h"
#include "measurements.h"

namespace bench {
namespace {

using namespace tractor;

constexpr int kFinds = 2'000;  // a round
constexpr int kFew = 100;
constexpr int kMany = 100'000;

// find_actor() from this task, one after the other: the median in us.
double find_actor_p50_us() {
  std::vector<double> latencies;
  for (int i = 0; i < kFinds; ++i) {
    const Stopwatch one;
    if (!find_actor("bench")) throw Error("this benchmark is not registered");
    latencies.push_back(one.microseconds());
  }
  return quantile(latencies, 0.5);
}

// The same in a copy of the registry: the mean of all in us, because one takes no longer than to look at the clock.
double find_in_directory_us(Directory& directory) {
  const Stopwatch all;
  for (int i = 0; i < kFinds; ++i) {
    if (!directory.find_actor("bench")) throw Error("this benchmark is not in the directory");
  }
  return all.microseconds() / kFinds;
}

// Finds actors by chance; a quantile of the times in us.
double find_us(ArbiterStub& stub, int actors, double fraction) {
  std::minstd_rand random(1);
  std::vector<double> latencies;
  for (int i = 0; i < kFinds; ++i) {
    v1::FindRequest request;
    request.set_name(Population::name(static_cast<int>(random() % static_cast<unsigned>(actors))));
    grpc::ClientContext context;
    v1::FindResponse response;
    const Stopwatch one;
    const grpc::Status status = stub.Find(&context, request, &response);
    latencies.push_back(one.microseconds());
    if (!status.ok() || response.actors_size() != 1)
      throw std::runtime_error("the arbiter does not find " + request.name() + ": " + status.error_message());
  }
  return quantile(latencies, fraction);
}

// Reads one key as an etcd client would that does not ask the whole cluster.
double range_p50_us(etcdserverpb::KV::Stub& stub, const std::string& key) {
  std::vector<double> latencies;
  for (int i = 0; i < kFinds; ++i) {
    etcdserverpb::RangeRequest request;
    request.set_key(key);
    request.set_serializable(true);
    grpc::ClientContext context;
    etcdserverpb::RangeResponse response;
    const Stopwatch one;
    const grpc::Status status = stub.Range(&context, request, &response);
    latencies.push_back(one.microseconds());
    if (!status.ok() || response.kvs_size() != 1) throw std::runtime_error("etcd has no " + key);
  }
  return quantile(latencies, 0.5);
}

}  // namespace

Measurement find_compared_with_grpc() {
  return {.figures = {{"find_p50_us", "us", {}, "find_actor(), warm, an arbiter in a process of its own"},
                      {"find_p50_vs_grpc", "", 1.3, "the same over plain gRPC's unary call in the same round"},
                      {"cached_find_us", "us", 1.0, "Directory::find_actor()"}},
          .run = [](const Settings& settings) {
            const std::string address = "unix:" + settings.directory + "/raw-find.sock";
            const RawServer server(address);
            return open_task_nursery([&](TaskNursery& tasks) {
              Directory directory(tasks);
              return medians(settings, settings.rounds, [&] {
                const double raw = time_raw_client(Target::kRawServer, address, kFinds, 1).p50_us;
                const double find = find_actor_p50_us();
                return Values{{"find_p50_us", find},
                              {"find_p50_vs_grpc", find / raw},
                              {"cached_find_us", find_in_directory_us(directory)}};
              });
            });
          }};
}

Measurement many_registrations() {
  return {.figures = {{"rss_100k_mb", "MB", 300, "resident memory of an arbiter with 100,000 registrations"},
                      {"find_p99_100k_vs_100", "", 1.5, "p99 of a find among 100,000 over one among 100"}},
          .run = [](const Settings& settings) {
            const Arbiter few(settings.directory + "/few.sock");
            const Arbiter many(settings.directory + "/many.sock");
            const Population few_actors(few, kFew);
            const Population many_actors(many, kMany);
            const auto few_stub = few.connect();
            const auto many_stub = many.connect();
            return medians(settings, settings.rounds, [&] {
              const double among_few = find_us(*few_stub, kFew, 0.99);
              const double among_many = find_us(*many_stub, kMany, 0.99);
              return Values{{"rss_100k_mb", resident_megabytes(many.pid())},
                            {"find_p99_100k_vs_100", among_many / among_few}};
            });
          }};
}

Measurement find_compared_with_etcd() {
  return {.figures = {{"etcd_find_vs_range", "", 1.0, "p50 of a find over etcd over etcd's own serializable Range"}},
          .run = [](const Settings& settings) {
            const Etcd etcd(settings.directory + "/etcd");
            const Arbiter arbiter(settings.directory + "/etcd.sock", "etcd://" + etcd.endpoint());
            const Population actors(arbiter, kFew);
            const auto stub = arbiter.connect();
            etcdserverpb::KV::Stub kv(grpc::CreateChannel(etcd.endpoint(), grpc::InsecureChannelCredentials()));
            const std::string key = "/tractor/v1/actors//id of " + Population::name(0);
            return medians(settings, settings.rounds, [&] {
              const double range = range_p50_us(kv, key);
              return Values{{"etcd_find_vs_range", find_us(*stub, kFew, 0.5) / range}};
            });
          }};
}

}  // namespace bench
