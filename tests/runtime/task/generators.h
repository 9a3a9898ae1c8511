// Generators that count, for tests of streams.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "runtime/task/generator.h"
#include "runtime/task/stream.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {

using namespace std::chrono_literals;

// What is alive, and has been told, of the generators below.
inline int alive = 0;
struct Alive {
  Alive() { ++alive; }
  Alive(const Alive&) = delete;
  ~Alive() { --alive; }
};

inline void count_to(Yield<int>& yield, int last) {
  const Alive here;
  for (int i = 1; i <= last; ++i) yield(i);
}
inline void count_forever(Yield<int>& yield, int& made) {
  const Alive here;
  for (int i = 1;; ++i) {
    made = i;
    yield(i);
  }
}
inline void count_then_fail(Yield<int>& yield, int last) {
  count_to(yield, last);
  throw std::runtime_error("the film is torn");
}
// An item at each of these times, in ms from the start.
inline void at_times(Yield<int>& yield, const std::vector<int>& times) {
  const Clock::time_point start = Clock::now();
  for (int time : times) {
    sleep_until(start + std::chrono::milliseconds(time));
    yield(time);
  }
}

template <class T>
std::vector<T> all(Stream<T> stream) {
  std::vector<T> items;
  for (T& item : stream) items.push_back(std::move(item));
  return items;
}
using Ints = std::vector<int>;

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "nothing was thrown";
}

}  // namespace tractor
