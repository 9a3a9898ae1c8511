// How streams are combined. Part of stream.h, which says what each does.
#pragma once

#include <deque>
#include <exception>
#include <list>
#include <vector>

#include "runtime/task/condition.h"
#include "runtime/task/generator.h"
#include "runtime/task/memory_channel.h"
#include "runtime/task/stream.h"

namespace tractor {

namespace detail {

// A stream whose next item is found by a function of one other stream, which it owns.
template <class T, class From, class Next>
class DerivedStream final : public StreamSource<T> {
 public:
  DerivedStream(Stream<From> from, Next next) : from_(std::move(from)), next_(std::move(next)) {}
  std::optional<T> next() override { return next_(from_); }
  void close() override { from_.close(); }

 private:
  Stream<From> from_;
  Next next_;
};
template <class T, class From, class Next>
Stream<T> derive(Stream<From> from, Next next) {
  return Stream<T>(std::make_unique<DerivedStream<T, From, Next>>(std::move(from), std::move(next)));
}

// Takes items of several streams until one fails: then from none any more. What has come before still goes on its way.
class UntilOneFails {
 public:
  // The stream's next item, for its task; empty at its end, and after a failure of any.
  template <class T>
  std::optional<T> next(Stream<T>& stream) {
    std::optional<T> item;
    CancelScope scope;
    if (!errors_.empty()) scope.cancel();
    const auto here = waiting_.insert(waiting_.end(), &scope);
    const Forget forget{*this, here};
    scope.run([&] {
      try {
        item = stream.next();
      } catch (const Cancelled&) {
        throw;
      } catch (...) {
        fail(std::current_exception());
      }
    });
    return item;
  }
  void rethrow() const {
    if (errors_.size() == 1) std::rethrow_exception(errors_.front());
    if (!errors_.empty()) throw ExceptionGroup(errors_);
  }

 private:
  using Scopes = std::list<CancelScope*>;
  struct Forget {
    UntilOneFails& all;
    Scopes::iterator scope;
    ~Forget() { all.waiting_.erase(scope); }
  };
  void fail(std::exception_ptr error) {
    errors_.push_back(std::move(error));
    for (CancelScope* scope : waiting_) scope->cancel();
  }

  Scopes waiting_;
  std::vector<std::exception_ptr> errors_;
};

// Runs `consume` with a channel into which tasks put what comes from the streams, each up to one item ahead of what the
// channel holds.
template <class T, class Consume>
void pump(std::size_t capacity, std::vector<Stream<T>>& from, Consume consume) {
  auto channel = open_memory_channel<T>(capacity);
  UntilOneFails sources;
  open_task_nursery([&](TaskNursery& tasks) {
    for (Stream<T>& stream : from) {
      tasks.start_named("stream", [&stream, &sources, send = channel.first.clone()]() mutable {
        while (std::optional<T> item = sources.next(stream)) send.send(std::move(*item));
      });
    }
    channel.first.close();
    consume(channel.second);
  });
  sources.rethrow();  // after the items that came before it
}
template <class T, class... Streams>
std::vector<Stream<T>> list_of(Streams... streams) {
  std::vector<Stream<T>> list;
  (list.push_back(std::move(streams)), ...);
  return list;
}

// What the subscribers of one stream share.
template <class T>
class Broadcast {
 public:
  Broadcast(Stream<T> from, std::size_t capacity) : from_(std::move(from)), capacity_(capacity) {}

  std::uint64_t last() const { return first_ + kept_.size(); }

  // The item of that number, which is counted up; empty at the end.
  std::optional<T> next(std::uint64_t& number) {
    checkpoint_if_cancelled();
    while (true) {
      if (number < first_) {
        yield_now();
        const std::uint64_t missed = first_ - number;
        number = first_;
        throw Lagged(missed);
      }
      if (number < last()) {
        std::optional<T> item = kept_[number++ - first_];
        yield_now();
        return item;
      }
      if (error_ || ended_) {
        checkpoint();
        if (error_) std::rethrow_exception(error_);
        return std::nullopt;
      }
      if (asking_) {
        changed_.wait_until("an item that another subscriber asked for", [this] { return !asking_; });
      } else {
        ask();
      }
    }
  }
  void close() { from_.close(); }

 private:
  void ask() {
    struct Asking {
      explicit Asking(Broadcast& b) : broadcast(b) { broadcast.asking_ = true; }
      ~Asking() {
        broadcast.asking_ = false;
        broadcast.changed_.notify();
      }
      Broadcast& broadcast;
    } asking(*this);
    try {
      std::optional<T> item = from_.next();
      if (!item) {
        ended_ = true;
        return;
      }
      kept_.push_back(std::move(*item));
    } catch (const Cancelled&) {  // the next subscriber asks
      throw;
    } catch (const Lagged&) {  // and goes on, as this one does
      throw;
    } catch (...) {
      error_ = std::current_exception();
      return;
    }
    if (kept_.size() > capacity_) {
      kept_.pop_front();
      ++first_;
    }
  }

  Stream<T> from_;
  std::size_t capacity_;
  std::deque<T> kept_;
  std::uint64_t first_ = 0;  // the number of the first that is kept
  bool asking_ = false;
  bool ended_ = false;
  std::exception_ptr error_;
  Condition changed_;
};

template <class T>
class Subscriber final : public StreamSource<T> {
 public:
  explicit Subscriber(std::shared_ptr<Broadcast<T>> broadcast)
      : broadcast_(std::move(broadcast)), number_(broadcast_->last()) {}
  // From where that one is.
  Subscriber(const Subscriber&) = default;
  Subscriber& operator=(const Subscriber&) = delete;
  std::optional<T> next() override { return broadcast_->next(number_); }
  void close() override {
    if (broadcast_.use_count() == 1) broadcast_->close();
  }

 private:
  std::shared_ptr<Broadcast<T>> broadcast_;
  std::uint64_t number_;
};

}  // namespace detail

template <class T>
Stream<T> Stream<T>::subscribe(std::size_t capacity) {
  if (capacity == 0) throw UsageError("Stream::subscribe: the capacity must be at least 1");
  auto* subscriber = dynamic_cast<detail::Subscriber<T>*>(&source());
  if (subscriber == nullptr) {
    auto first = std::make_unique<detail::Subscriber<T>>(
        std::make_shared<detail::Broadcast<T>>(Stream(std::move(source_)), capacity));
    subscriber = first.get();
    source_ = std::move(first);
  }
  return Stream(std::make_unique<detail::Subscriber<T>>(*subscriber));
}

template <class T>
template <class F>
auto Stream<T>::map(F f) && {
  using U = std::decay_t<std::invoke_result_t<F&, T>>;
  return detail::derive<U>(std::move(*this), [f = std::move(f)](Stream<T>& from) mutable -> std::optional<U> {
    std::optional<T> item = from.next();
    if (!item) return std::nullopt;
    return std::invoke(f, std::move(*item));
  });
}

template <class T>
template <class F>
Stream<T> Stream<T>::filter(F keep) && {
  return detail::derive<T>(std::move(*this), [keep = std::move(keep)](Stream<T>& from) mutable {
    std::optional<T> item = from.next();
    while (item && !std::invoke(keep, std::as_const(*item))) item = from.next();
    return item;
  });
}

template <class T>
Stream<T> Stream<T>::take(std::size_t count) && {
  return detail::derive<T>(std::move(*this), [left = count, over = false](Stream<T>& from) mutable -> std::optional<T> {
    if (left > 0) {
      std::optional<T> item = from.next();
      left = item ? left - 1 : 0;
      return item;
    }
    if (!std::exchange(over, true)) from.close();
    checkpoint();
    return std::nullopt;
  });
}

template <class T>
template <class A, class F>
Stream<A> Stream<T>::scan(A initial, F f) && {
  return detail::derive<A>(std::move(*this),
                           [sum = std::move(initial), f = std::move(f)](Stream<T>& from) mutable -> std::optional<A> {
                             std::optional<T> item = from.next();
                             if (!item) return std::nullopt;
                             A next = std::invoke(f, A(sum), std::move(*item));  // `sum` stays when that throws
                             sum = std::move(next);
                             return sum;
                           });
}

template <class T>
Stream<std::vector<T>> Stream<T>::batch(std::size_t count, Clock::duration within) && {
  if (count == 0) throw UsageError("Stream::batch: the count must be at least 1");
  return generate(
      [count, within](Yield<std::vector<T>>& yield, std::vector<Stream<T>> from) {
        detail::pump(count - 1, from, [&](ReceiveChannel<T>& items) {
          while (std::optional<T> first = items.next()) {
            std::vector<T> together;
            together.push_back(std::move(*first));
            move_on_after(within, [&] {
              while (together.size() < count) {
                std::optional<T> item = items.next();
                if (!item) return;
                together.push_back(std::move(*item));
              }
            });
            yield(std::move(together));
          }
        });
      },
      detail::list_of<T>(std::move(*this)));
}

template <class T>
Stream<T> Stream<T>::throttle(Clock::duration interval) && {
  return detail::derive<T>(std::move(*this), [interval, next = Clock::time_point::min()](Stream<T>& from) mutable {
    std::optional<T> item = from.next();
    while (item && Clock::now() < next) item = from.next();
    next = deadline_after(interval);
    return item;
  });
}

template <class T>
Stream<T> Stream<T>::debounce(Clock::duration quiet) && {
  return generate(
      [quiet](Yield<T>& yield, std::vector<Stream<T>> from) {
        detail::pump(0, from, [&](ReceiveChannel<T>& items) {
          std::optional<T> last = items.next();
          while (last) {
            std::optional<T> newer;
            const CancelScope wait = move_on_after(quiet, [&] { newer = items.next(); });
            if (newer) {
              last = std::move(newer);
              continue;
            }
            yield(std::move(*last));
            last = wait.cancelled_caught() ? items.next() : std::nullopt;
          }
        });
      },
      detail::list_of<T>(std::move(*this)));
}

template <class T, class... Others>
Stream<T> merge(Stream<T> first, Others... others) {
  return generate(
      [](Yield<T>& yield, std::vector<Stream<T>> from) {
        detail::pump(0, from, [&](ReceiveChannel<T>& items) {
          for (T& item : items) yield(std::move(item));
        });
      },
      detail::list_of<T>(std::move(first), std::move(others)...));
}

namespace detail {

template <class A, class B>
class Zip final : public StreamSource<std::pair<A, B>> {
 public:
  Zip(Stream<A> left, Stream<B> right) : left_(std::move(left)), right_(std::move(right)) {}

  std::optional<std::pair<A, B>> next() override {
    if (over_) {
      checkpoint();
      return std::nullopt;
    }
    if (!first_) first_ = left_.next();  // kept when the wait for the second is cancelled
    std::optional<B> second = first_ ? right_.next() : std::nullopt;
    if (second) return std::pair<A, B>(*std::exchange(first_, std::nullopt), std::move(*second));
    over_ = true;
    close();
    return std::nullopt;
  }
  void close() override {
    CancelScope({.shield = true}).run([this] {
      open_task_nursery([this](TaskNursery& tasks) {  // both, and what both fail with
        tasks.start_soon([this] { left_.close(); });
        tasks.start_soon([this] { right_.close(); });
      });
    });
  }

 private:
  Stream<A> left_;
  Stream<B> right_;
  std::optional<A> first_;
  bool over_ = false;
};

}  // namespace detail

template <class A, class B>
Stream<std::pair<A, B>> zip(Stream<A> left, Stream<B> right) {
  return Stream<std::pair<A, B>>(std::make_unique<detail::Zip<A, B>>(std::move(left), std::move(right)));
}

}  // namespace tractor
