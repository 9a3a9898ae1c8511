// How soon many watchers know of a change.
#include <grpcpp/completion_queue.h>

#include <deque>
#include <stdexcept>

#include "../samples.h"
#include "arbiters.h"
#include "measurements.h"

namespace bench {
namespace {

using namespace tractor;

constexpr int kWatchers = 1'000;
constexpr int kConnections = 10;

// All in this one thread, on one completion queue: each watcher's tag is the watcher.
class Crowd {
 public:
  explicit Crowd(const Arbiter& arbiter) {
    for (int i = 0; i < kConnections; ++i) stubs_.push_back(arbiter.connect());
    for (int i = 0; i < kWatchers; ++i) {
      Watcher& watcher = watchers_.emplace_back();
      watcher.reader =
          stubs_[static_cast<std::size_t>(i % kConnections)]->AsyncWatch(&watcher.context, {}, &queue_, &watcher);
    }
    for (int i = 0; i < kWatchers; ++i) next();  // they are open
    for (Watcher& watcher : watchers_) watcher.read();
    for (int snapshots = 0; snapshots < kWatchers;) {
      Watcher& watcher = next();
      snapshots += watcher.response.snapshot_end() ? 1 : 0;
      watcher.read();
    }
  }
  ~Crowd() {
    for (Watcher& watcher : watchers_) watcher.context.TryCancel();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  // The time, from now, until each of them was told of one change.
  std::vector<double> milliseconds_until_told(const Stopwatch& start) {
    std::vector<double> times;
    while (times.size() < kWatchers) {
      Watcher& watcher = next();
      times.push_back(start.milliseconds());
      watcher.read();
    }
    return times;
  }

 private:
  struct Watcher {
    void read() { reader->Read(&response, this); }
    grpc::ClientContext context;
    v1::WatchResponse response;
    std::unique_ptr<grpc::ClientAsyncReader<v1::WatchResponse>> reader;
  };
  Watcher& next() {
    void* tag = nullptr;
    bool ok = false;
    if (!queue_.Next(&tag, &ok) || !ok) throw std::runtime_error("the arbiter has ended a watch");
    return *static_cast<Watcher*>(tag);
  }

  std::vector<std::unique_ptr<ArbiterStub>> stubs_;
  grpc::CompletionQueue queue_;
  std::deque<Watcher> watchers_;
};

}  // namespace

Measurement many_watchers() {
  return {.figures = {{"watch_1k_p99_ms", "ms", 100, "until 99 of 100 of 1,000 watchers know of a registration"}},
          .run = [](const Settings& settings) {
            const Arbiter arbiter(settings.directory + "/watch.sock");
            Population actors(arbiter, 10);
            Crowd crowd(arbiter);
            std::uint64_t incarnation = 0;
            return medians(settings, settings.rounds, [&] {
              const Stopwatch start;
              actors.add("new", ++incarnation);
              return Values{{"watch_1k_p99_ms", quantile(crowd.milliseconds_until_told(start), 0.99)}};
            });
          }};
}

}  // namespace bench
