// Several functions at once, and their results in order.
//
//   auto [donny, gretchen] = gather([&] { return n.start_actor("donny"); }, [&] { return n.start_actor("gretchen"); });
// Loop thread only. The rules are those of a task nursery: the first failure cancels the others and is thrown.
#pragma once

#include <functional>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/task/task_nursery.h"

namespace tractor {

namespace detail {

// A function and where its result goes; std::monostate for a function that returns nothing.
template <class F>
class Gathered {
 public:
  using Result = std::invoke_result_t<F&>;
  using Value = std::conditional_t<std::is_void_v<Result>, std::monostate, Result>;

  explicit Gathered(F& function) : function_(function) {}
  void start_in(TaskNursery& tasks) {
    tasks.start_soon([this] {
      if constexpr (std::is_void_v<Result>) {
        std::invoke(function_);
        value_.emplace();
      } else {
        value_.emplace(std::invoke(function_));
      }
    });
  }
  Value take() {
    if (!value_)
      throw NurseryCancelled("gather: a function was cancelled by the scope around it, which then was shielded");
    return std::move(*value_);
  }

 private:
  F& function_;
  std::optional<Value> value_;
};

}  // namespace detail

// Runs each function as a task and returns a tuple of their results. A checkpoint.
template <class... F>
auto gather(F... functions) {
  std::tuple<detail::Gathered<F>...> all{detail::Gathered<F>(functions)...};
  open_task_nursery([&](TaskNursery& tasks) { std::apply([&](auto&... each) { (each.start_in(tasks), ...); }, all); });
  return std::apply([](auto&... each) { return std::tuple<typename detail::Gathered<F>::Value...>(each.take()...); },
                    all);
}

// The same for as many functions of one type as there are at run time: a vector of their results.
template <class F>
auto gather(std::vector<F> functions) {
  std::vector<detail::Gathered<F>> all(functions.begin(), functions.end());
  open_task_nursery([&](TaskNursery& tasks) {
    for (detail::Gathered<F>& each : all) each.start_in(tasks);
  });
  std::vector<typename detail::Gathered<F>::Value> results;
  results.reserve(all.size());
  for (detail::Gathered<F>& each : all) results.push_back(each.take());
  return results;
}

}  // namespace tractor
