// Streams are combined as ranges are: nothing is computed before the consumer asks, and all of it ends with the
// consumer.
#include <tractor/tractor.h>

#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;

// [generator]
void count_to(tractor::Yield<int>& yield, int last) {
  for (int i = 1; i <= last; ++i) yield(i);
}
void tick(tractor::Yield<int>& yield, std::chrono::milliseconds interval) {
  for (int i = 1;; ++i) {
    yield(i);
    tractor::sleep(interval);
  }
}
// [/generator]

template <class T>
void print(const std::string& what, tractor::Stream<T> stream) {
  std::cout << what << ':';
  for (const T& item : stream) std::cout << ' ' << item;
  std::cout << '\n';
}

void show_operators() {
  // [operators]
  auto squares_of_even =
      tractor::generate(count_to, 10).filter([](int i) { return i % 2 == 0; }).map([](int i) { return i * i; });
  print("even squares", std::move(squares_of_even));
  print("running sum", tractor::generate(count_to, 5).scan(0, std::plus<>()));
  print("batches", tractor::generate(count_to, 7).batch(3).map([](const std::vector<int>& b) { return b.size(); }));
  // [/operators]
  // [endless]
  print("the first ticks", tractor::generate(tick, 1ms).take(3));  // then the generator is cancelled, and has ended
  // [/endless]
  print("pairs",
        zip(tractor::generate(count_to, 3), tractor::generate(tick, 1ms)).map([](const std::pair<int, int>& p) {
          return std::to_string(p.first) + '-' + std::to_string(p.second);
        }));
}

void show_subscribers() {
  // [subscribe]
  tractor::Stream<int> first = tractor::generate(count_to, 4);
  tractor::Stream<int> second = first.subscribe();
  const auto sum = [](tractor::Stream<int>& stream) {
    int total = 0;
    for (int i : stream) total += i;
    return total;
  };
  const auto [left, right] = tractor::gather([&] { return sum(first); }, [&] { return sum(second); });
  // [/subscribe]
  std::cout << "two subscribers: " << left << ' ' << right << '\n';
}

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  return program.main([] {
    show_operators();
    show_subscribers();
  });
}
