#include "runtime/wire/health_service.h"

#include <optional>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "runtime/wire/server_call.h"
#include "runtime/wire/value.h"

namespace tractor {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

using ServedMethods = Health::WithAsyncMethod_Check<Health::WithAsyncMethod_Watch<Health::Service>>;
using CheckCall = UnaryCall<HealthCheckRequest, HealthCheckResponse>;
using WatchCall = WriterCall<HealthCheckRequest, HealthCheckResponse>;

// Streams that may be open at a time: each costs a task, and a probe needs one.
constexpr int kMostWatchers = 1000;

}  // namespace

struct HealthService::Methods : ServedMethods {
  explicit Methods(HealthService& h) : health(h) {}

  HealthCheckResponse::ServingStatus status_of(const std::string& name) const {
    if (!name.empty() && !health.names_.contains(name)) return HealthCheckResponse::SERVICE_UNKNOWN;
    return health.serving_ ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
  }

  void serve_check(CheckCall& call) const {
    HealthCheckResponse response;
    response.set_status(status_of(call.request.service()));
    if (response.status() == HealthCheckResponse::SERVICE_UNKNOWN) {
      const std::string message =
          absl::StrCat("no service ", Value(call.request.service()).describe(), " is served here");
      call.finish({}, {grpc::StatusCode::NOT_FOUND, message});
    } else {
      call.finish(response, grpc::Status::OK);
    }
  }

  void serve_watch(WatchCall& call) {
    if (watchers == kMostWatchers) {
      call.finish({grpc::StatusCode::RESOURCE_EXHAUSTED,
                   absl::StrCat("at most ", kMostWatchers, " streams watch the health of an actor at a time")});
      return;
    }
    ++watchers;
    const absl::Cleanup watched = [this] { --watchers; };
    grpc::Status status(grpc::StatusCode::CANCELLED, "the caller went away");
    try {
      call.run_while_wanted([&] {
        std::optional<HealthCheckResponse::ServingStatus> told;
        const auto has_changed = [&] { return told != status_of(call.request.service()); };
        while (true) {
          health.changed_.wait_until("a status to change", has_changed);
          told = status_of(call.request.service());
          HealthCheckResponse response;
          response.set_status(*told);
          call.write(response);
        }
      });
    } catch (const Cancelled& cancelled) {
      cancelled.absorb();
      status = {grpc::StatusCode::UNAVAILABLE, "the actor has ended"};
    }
    call.finish(status);
  }

  HealthService& health;
  int watchers = 0;
  Acceptors acceptors;
};

HealthService::HealthService() : methods_(std::make_unique<Methods>(*this)) {}

HealthService::~HealthService() = default;

grpc::Service* HealthService::service() { return methods_.get(); }

void HealthService::serve(ActorServer& server, TaskNursery& nursery) {
  Methods& m = *methods_;
  grpc::ServerCompletionQueue* queue = server.port().queue();
  m.acceptors.accept<CheckCall>(nursery, queue, m, &Methods::RequestCheck,
                                [&m](CheckCall& call) { m.serve_check(call); });
  m.acceptors.accept<WatchCall>(nursery, queue, m, &Methods::RequestWatch,
                                [&m](WatchCall& call) { m.serve_watch(call); });
}

void HealthService::stop() { methods_->acceptors.stop(); }

void HealthService::add(const std::string& name) {
  if (names_.insert(name).second) changed_.notify();
}

void HealthService::set_serving(bool serving) {
  if (std::exchange(serving_, serving) != serving) changed_.notify();
}

}  // namespace tractor
