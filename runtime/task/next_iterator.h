// What a range-for loop needs of anything whose items come one by one from next(): streams and memory channels.
//
// Each step is a next(), with all that says; the loop ends when that is empty. Outlived by what it iterates over.
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>

namespace tractor {

template <class Source, class T>
class NextIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = T;
  using difference_type = std::ptrdiff_t;
  using pointer = T*;
  using reference = T&;

  explicit NextIterator(Source& source) : source_(&source), item_(source.next()) {}
  T& operator*() { return *item_; }
  NextIterator& operator++() {
    item_ = source_->next();
    return *this;
  }
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const { return !item_; }

 private:
  Source* source_;
  std::optional<T> item_;
};

}  // namespace tractor
