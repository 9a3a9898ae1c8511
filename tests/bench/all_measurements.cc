#include "measurement.h"

namespace bench {

std::vector<Measurement> all_measurements() {
  std::vector<Measurement> all = {task_switch(),  task_spawn(),   channel_hop(), throw_cancelled(),
                                  parked_tasks(), values(),       spawn(),       actor_memory(),
                                  cancel_many(),  death_notice(), restart()};
  for (const Transport transport : {Transport::kUnix, Transport::kTcp}) {
    for (const auto measurement : {one_call_at_a_time, many_calls_at_once, streams, dialog})
      all.push_back(measurement(transport));
  }
  all.push_back(idle_streams());
  all.push_back(slow_consumer());
  return all;
}

}  // namespace bench
