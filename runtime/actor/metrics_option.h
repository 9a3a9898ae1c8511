// Metrics of an actor that is not the arbiter, where TRACTOR_METRICS asks for them: HOST:PORT of a program's root; with
// port 0 of every actor, each on a port of its own. Loop thread, before calls are served.
#pragma once

#include <memory>

#include "runtime/actor/actor.h"
#include "runtime/metrics/metrics_server.h"

namespace tractor {

// HOST:PORT. Throws UsageError when that is no TCP address, or cannot be listened on.
std::unique_ptr<metrics::MetricsServer> serve_metrics(const std::string& address);

enum class IsRoot { kNo, kYes };

// Serves them, if they are asked for, and has the arbiter list where: label "metrics". Null when they are not. Throws
// as serve_metrics does. Before the actor serves.
std::unique_ptr<metrics::MetricsServer> serve_metrics_if_asked(IsRoot is_root, ActorInfo& info);

}  // namespace tractor
