#include "runtime/actor/metrics_option.h"

#include <cstdlib>

#include "runtime/log.h"
#include "runtime/wire/address.h"

namespace tractor {
namespace {

Address tcp_address(const std::string& text) {
  Address address = parse_address(text);
  if (address.kind != Address::Kind::tcp) throw UsageError("metrics are served on HOST:PORT, not on \"" + text + "\"");
  return address;
}

}  // namespace

std::unique_ptr<metrics::MetricsServer> serve_metrics(const std::string& text) {
  const Address address = tcp_address(text);
  return std::make_unique<metrics::MetricsServer>(address.host, address.port);
}

std::unique_ptr<metrics::MetricsServer> serve_metrics_if_asked(IsRoot is_root, ActorInfo& info) {
  const char* text = std::getenv("TRACTOR_METRICS");
  if (text == nullptr || *text == '\0') return nullptr;
  Address address;
  try {
    address = tcp_address(text);
  } catch (const UsageError& e) {
    throw UsageError(std::string("TRACTOR_METRICS: ") + e.what());
  }
  if (is_root == IsRoot::kNo && address.port != 0) return nullptr;
  auto server = std::make_unique<metrics::MetricsServer>(address.host, address.port);
  address.port = server->port();
  info.labels["metrics"] = to_string(address);
  return server;
}

}  // namespace tractor
