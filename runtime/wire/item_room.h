// A credit window: how many items a stream's sender may send before its receiver takes some. Plain data, any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tractor {

// Room for so many items and so many bytes of them: a credit window. The last item may be larger than the bytes that
// are left.
struct ItemRoom {
  std::int64_t items = 0;
  std::int64_t bytes = 0;

  bool empty() const { return items <= 0 || bytes <= 0; }
  // One item was sent, or has come.
  void use(std::size_t size) {
    --items;
    bytes -= static_cast<std::int64_t>(size);
  }
  // What a peer grants may be absurd, but not overflow.
  void add(const ItemRoom& more);
};

// What a stream has unless its options say otherwise: enough small items that granting room costs nothing beside them,
// enough bytes that a few of the largest usual ones are on their way.
inline constexpr ItemRoom kDefaultItemRoom{.items = 1024, .bytes = std::int64_t{4} << 20};

}  // namespace tractor
