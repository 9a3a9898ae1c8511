#include "arbiter/health.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "runtime/wire/address.h"
#include "runtime/wire/peer.h"
#include "runtime/wire/prepare_grpc.h"

namespace tractor::arbiter {

namespace health = grpc::health::v1;

Health ask_health(const std::string& text, std::chrono::milliseconds timeout) {
  const std::string address = to_string(parse_address(text));
  prepare_grpc();
  const auto stub = health::Health::NewStub(open_channel(address));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  context.set_wait_for_ready(false);
  health::HealthCheckResponse response;
  const grpc::Status status = stub->Check(&context, {}, &response);
  if (!status.ok()) return {.description = absl::StrCat("no answer from ", address, ": ", status.error_message())};
  return {.serving = response.status() == health::HealthCheckResponse::SERVING,
          .description = health::HealthCheckResponse::ServingStatus_Name(response.status())};
}

}  // namespace tractor::arbiter
