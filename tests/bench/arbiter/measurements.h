// What arbiter_bench measures, see ../measurement.h.
#pragma once

#include "../measurement.h"

namespace bench {

Measurement find_compared_with_grpc();
Measurement many_registrations();
Measurement many_watchers();
Measurement find_compared_with_etcd();
Measurement reregistration();

}  // namespace bench
