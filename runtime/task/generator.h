// A generator: a function that yields items while its consumer takes them.
//
//   void count_to(tractor::Yield<int>& yield, int last) { for (int i = 1; i <= last; ++i) yield(i); }
//   for (int i : tractor::generate(count_to, 10)) ...
// Its code is like any other: it waits, opens nurseries, and may yield inside them. When the consumer leaves, it is
// cancelled. Loop thread only.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "runtime/task/background_task.h"
#include "runtime/task/memory_channel.h"
#include "runtime/task/stream.h"

namespace tractor {

namespace detail {

// Where yielded items go.
template <class T>
class YieldSink {
 public:
  virtual void put(T&& item) = 0;

 protected:
  ~YieldSink() = default;
};

}  // namespace detail

// The first parameter of a generator.
template <class T>
class Yield {
 public:
  // Hands an item to the consumer; waits until that takes it, or there is room for it on its way. A checkpoint.
  void operator()(T item) const { sink_.put(std::move(item)); }

  // --- for the library ---
  explicit Yield(detail::YieldSink<T>& sink) : sink_(sink) {}

 private:
  detail::YieldSink<T>& sink_;
};

namespace detail {

template <class F>
struct YieldedBy {
  static_assert(sizeof(F) == 0,
                "a generator is a function whose first parameter is a tractor::Yield<T>&; give a generic lambda types");
};
template <class R, class T, class... A>
struct YieldedBy<R (*)(Yield<T>&, A...)> {
  using type = T;
};
template <class C, class R, class T, class... A>
struct YieldedBy<R (C::*)(Yield<T>&, A...)> {
  using type = T;
};
template <class C, class R, class T, class... A>
struct YieldedBy<R (C::*)(Yield<T>&, A...) const> {
  using type = T;
};
template <class F>
requires requires { &F::operator(); }
struct YieldedBy<F> : YieldedBy<decltype(&F::operator())> {};

// A generator's task here, and the way from it.
template <class T>
class LocalGenerator final : public StreamSource<T> {
 public:
  template <class F, class... Args>
  explicit LocalGenerator(F fn, Args... args)
      : LocalGenerator(open_memory_channel<T>(0), std::move(fn), std::move(args)...) {}

  std::optional<T> next() override {
    if (error_) {
      checkpoint();
      std::rethrow_exception(error_);
    }
    std::optional<T> item = receive_.next();
    if (!item) end();
    return item;
  }
  void close() override { end(); }

 private:
  struct Sink final : YieldSink<T> {
    explicit Sink(SendChannel<T>& c) : channel(c) {}
    void put(T&& item) override { channel.send(std::move(item)); }
    SendChannel<T>& channel;
  };

  template <class F, class... Args>
  LocalGenerator(std::pair<SendChannel<T>, ReceiveChannel<T>> channel, F fn, Args... args)
      : receive_(std::move(channel.second)),
        task_("generator", [send = std::move(channel.first), fn = std::move(fn),
                            args = std::tuple<Args...>(std::move(args)...)]() mutable {
          Sink sink(send);
          Yield<T> yield(sink);
          std::apply([&](auto&... a) { std::invoke(fn, yield, std::move(a)...); }, args);
        }) {}

  void end() {
    try {
      task_.end();
    } catch (...) {
      error_ = std::current_exception();
      throw;
    }
  }

  ReceiveChannel<T> receive_;
  std::exception_ptr error_;  // what it failed with, once that is told
  BackgroundTask task_;       // goes first
};

}  // namespace detail

// Runs fn(yield, args...), decay-copied as by std::thread, as a task whose items the stream has. It starts at the next
// checkpoint and is up to one item ahead of the consumer. It lives inside the scope of this call, and ends with the
// stream at the latest. Not a checkpoint.
template <class F, class... Args>
auto generate(F&& fn, Args&&... args) {
  using T = typename detail::YieldedBy<std::decay_t<F>>::type;
  return Stream<T>(std::make_unique<detail::LocalGenerator<T>>(std::decay_t<F>(std::forward<F>(fn)),
                                                               std::decay_t<Args>(std::forward<Args>(args))...));
}

}  // namespace tractor

#include "runtime/task/stream_operators.h"
