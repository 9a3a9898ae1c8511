// Four actors in a row: two streamers feed an aggregator, which feeds the root with what is new.
#include <tractor/tractor.h>

#include <algorithm>
#include <iostream>
#include <random>
#include <set>
#include <vector>

// [pipeline]
// The numbers from 0 to 999, in an order that depends on the seed.
void stream_data(tractor::Yield<int>& yield, unsigned seed) {
  std::vector<int> numbers(1000);
  for (int i = 0; i < 1000; ++i) numbers[static_cast<std::size_t>(i)] = i;
  std::shuffle(numbers.begin(), numbers.end(), std::mt19937(seed));
  for (const int number : numbers) yield(number);
}

// Both streams as they come, each number once.
void aggregate(tractor::Yield<int>& yield, unsigned seed) {
  tractor::open_nursery([&](tractor::ActorNursery& n) {
    auto streams = tractor::gather([&] { return n.run_in_actor("streamer_1", stream_data, seed); },
                                   [&] { return n.run_in_actor("streamer_2", stream_data, seed + 1); });
    std::set<int> seen;
    for (const int number : merge(std::get<0>(streams).result(), std::get<1>(streams).result())) {
      if (seen.insert(number).second) yield(number);
    }
  });
}

void root() {
  tractor::open_nursery([](tractor::ActorNursery& n) {
    std::vector<int> result;
    for (const int number : n.run_in_actor("aggregator", aggregate, 1U).result()) result.push_back(number);
    std::cout << result.size() << " numbers, " << std::set<int>(result.begin(), result.end()).size()
              << " of them unique\n";
  });
}
// [/pipeline]

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("pipeline").def("stream_data", stream_data, "seed").def("aggregate", aggregate, "seed");
  return program.main(root);
}
