// Serves what metrics.h counts, at http://HOST:PORT/metrics, to Prometheus: whoever reaches that port is answered.
//
// On a thread of its own, for which the loop never waits, and which answers while the loop is busy. GET and HEAD of one
// path; a connection is closed after its answer, after 10 s, and at once when there are too many.
#pragma once

#include <memory>
#include <string>

namespace tractor::metrics {

class MetricsServer {
 public:
  // Enables counting, and listens (port 0: the kernel chooses). Throws UsageError that says why it cannot.
  MetricsServer(const std::string& host, int port);
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;
  ~MetricsServer();

  int port() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tractor::metrics
