#include "measurement.h"

namespace bench {

std::vector<Measurement> all_measurements() {
  return {task_switch(),        task_spawn(),   channel_hop(), throw_cancelled(),
          parked_tasks(),       values(),       spawn(),       actor_memory(),
          cancel_many(),        death_notice(), restart(),     one_call_at_a_time(),
          many_calls_at_once(), streams(),      dialog(),      idle_streams(),
          slow_consumer()};
}

}  // namespace bench
