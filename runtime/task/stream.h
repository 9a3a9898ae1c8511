// A stream: items that come one after the other, from a generator here or in another actor.
//
//   for (int v : portal.run(count_to, 10)) ...              // break, and the generator is cancelled and has unwound
//   while (std::optional<int> v = stream.next()) ...
//   for (auto& v : portal.run(prices).filter(is_fair).batch(100, 1s)) ...
// A handle that moves; it owns what produces the items. Its destructor cancels that and waits until it has ended,
// shielded; an error found there goes to the log and to the innermost open nursery, close() throws it. Loop thread
// only; one task at a time waits for items, subscribe() makes streams for several. The combining functions take their
// stream with them (`std::move(stream).map(f)`) and keep its cancellation and back-pressure: nothing is asked of a
// stream before its consumer wants it, but for what a text says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/task/cancel_scope.h"
#include "runtime/task/clock.h"
#include "runtime/task/error.h"
#include "runtime/task/next_iterator.h"
#include "runtime/task/scheduler.h"

namespace tractor {

// A subscriber was too slow: it has missed that many items, and goes on with the oldest that is left.
class Lagged : public Error {
 public:
  explicit Lagged(std::uint64_t missed);
  std::uint64_t missed() const { return missed_; }

 private:
  std::uint64_t missed_;
};

namespace detail {

// What a stream gets its items from. Ends when it is destroyed, which may wait and never throws.
template <class T>
class StreamSource {
 public:
  virtual ~StreamSource() = default;
  // The next item, empty at the end and ever after; a checkpoint. Throws what the producer failed with. When it throws
  // Cancelled, no item is lost.
  virtual std::optional<T> next() = 0;
  // Ends what produces the items; waits, shielded, and throws what that failed with.
  virtual void close() = 0;
};

}  // namespace detail

template <class T>
class Stream {
 public:
  using value_type = T;

  // --- for programs ---
  // The next item; empty at the end, and ever after. A checkpoint. Throws what the producer threw, also when asked
  // again. When the wait is cancelled no item is lost.
  std::optional<T> next() { return source().next(); }

  // Cancels the producer and returns when it has ended; throws what it failed with. Nothing comes after that.
  // Idempotent. Not while another task waits in next(): cancel that one.
  void close() {
    if (source_) std::exchange(source_, nullptr)->close();
  }

  // for (T& item : stream): each step is a next(), the loop ends at the end.
  NextIterator<Stream, T> begin() { return NextIterator<Stream, T>(*this); }
  std::default_sentinel_t end() const { return {}; }

  // Another stream of the same items from here on. Each subscriber, of which this stream is one from now on, takes them
  // at its own pace; the fastest asks the producer. Up to `capacity` items are kept for the others: one that is further
  // behind gets a Lagged from next(), which tells how many it missed, and goes on. `capacity` is that of the first
  // call. T is copied. What is made of it with batch, debounce or merge, which take items in a task of their own, ends
  // with a Lagged as with any error; the others go on.
  Stream subscribe(std::size_t capacity = 64);

  // --- combining; each takes the stream with it ---
  // f(item) for each item. f may wait; an item in whose f the consumer is cancelled is lost.
  template <class F>
  auto map(F f) &&;
  // Those of which keep(item) is true.
  template <class F>
  Stream filter(F keep) &&;
  // The first `count`; then the producer is ended.
  Stream take(std::size_t count) &&;
  // As std::accumulate, but each step is an item: f(f(initial, first), second), ...
  template <class A, class F>
  Stream<A> scan(A initial, F f) &&;
  // Vectors of up to `count` items; a shorter one when `within` has passed since its first, and at the end. The
  // producer is up to `count` items ahead.
  Stream<std::vector<T>> batch(std::size_t count, Clock::duration within = Clock::duration::max()) &&;
  // An item, then none of those that are there before `interval` has passed since it.
  Stream throttle(Clock::duration interval) &&;
  // An item when `quiet` has passed since it came and no other has; the last one at the end. The producer is held back
  // only while such an item waits for its consumer.
  Stream debounce(Clock::duration quiet) &&;

  // --- for the library ---
  explicit Stream(std::unique_ptr<detail::StreamSource<T>> source) : source_(std::move(source)) {}

 private:
  detail::StreamSource<T> &source() {
    if (!source_) throw ClosedError("this stream was closed, or moved from");
    return *source_;
  }

  std::unique_ptr<detail::StreamSource<T>> source_;
};

// Items of all the streams as they come, until all have ended. Each is up to one item ahead.
template <class T, class... Others>
Stream<T> merge(Stream<T> first, Others... others);
// Pairs of the first items, the second ones, and so on, until either stream ends; then the other is ended, too.
template <class A, class B>
Stream<std::pair<A, B>> zip(Stream<A> left, Stream<B> right);

}  // namespace tractor

#include "runtime/task/generator.h"  // and the operators, which are written with it
