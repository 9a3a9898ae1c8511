#include "runtime/wire/item_run.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "runtime/wire/remote_error.h"
#include "runtime/wire/value_wire.h"
#include "tractor/v1/link.pb.h"

namespace tractor {
namespace {

constexpr std::uint32_t kIntTag = tag_of(v1::Value::kInt64ValueFieldNumber, kVarint);
constexpr std::uint32_t kDoubleTag = tag_of(v1::Value::kDoubleValueFieldNumber, kFixed64);
constexpr std::uint32_t kBoolTag = tag_of(v1::Value::kBoolValueFieldNumber, kVarint);

constexpr std::uint32_t kValues = tag_of(v1::ItemRun::kValuesFieldNumber, kLengthDelimited);
constexpr std::uint32_t kInts = tag_of(v1::ItemRun::kIntsFieldNumber, kLengthDelimited);
constexpr std::uint32_t kDoubles = tag_of(v1::ItemRun::kDoublesFieldNumber, kLengthDelimited);
constexpr std::uint32_t kBools = tag_of(v1::ItemRun::kBoolsFieldNumber, kLengthDelimited);

// That stand before an item, at most: a field's tag and length.
constexpr std::size_t kTagBytes = 8;

std::int64_t saturating_sum(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::int64_t>::max() : sum;
}

std::int64_t positive(std::uint64_t number) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(number, std::numeric_limits<std::int64_t>::max()));
}

}  // namespace

void ItemRoom::add(const ItemRoom& more) {
  items = saturating_sum(items, more.items);
  bytes = saturating_sum(bytes, more.bytes);
}

ItemRoom decode(const v1::Credit& from) { return {.items = positive(from.items()), .bytes = positive(from.bytes())}; }

// --- writing ---

int ItemRunWriter::field_of(std::string_view item) {
  switch (static_cast<unsigned char>(item.front())) {  // the tag of the one field that a Value has
    case kIntTag:
      return v1::ItemRun::kIntsFieldNumber;
    case kDoubleTag:
      return v1::ItemRun::kDoublesFieldNumber;
    case kBoolTag:
      return v1::ItemRun::kBoolsFieldNumber;
    default:
      return v1::ItemRun::kValuesFieldNumber;
  }
}

std::size_t ItemRunWriter::add(std::string_view item) {
  field_ = field_of(item);
  if (field_ == v1::ItemRun::kValuesFieldNumber) {
    append_bytes_field(content_, field_, item);
  } else {
    item.remove_prefix(1);
    content_ += item;
  }
  return item.size();
}

void ItemRunWriter::write(BackwardWriter& to) const {
  if (field_ == v1::ItemRun::kValuesFieldNumber) {
    to.raw(content_);
  } else {
    to.bytes_field(field_, content_);
  }
}

// --- reading ---

// So that done() is true only when no item is left. The next field, if any, is one of values.
void ItemInbox::Cursor::skip_other_fields() {
  while (numbers_.done() && !fields_.done()) {
    field_ = fields_.tag();
    if (field_ == kValues) return;
    if (field_ == kInts || field_ == kDoubles || field_ == kBools) {
      numbers_ = Reader(fields_.bytes());
    } else {
      fields_.skip(field_);
    }
  }
}

template <class OnValue, class OnNumber>
std::size_t ItemInbox::Cursor::advance(OnValue&& on_value, OnNumber&& on_number) {
  std::size_t size = 0;
  if (numbers_.done()) {
    const std::string_view item = fields_.bytes();
    size = item.size();
    on_value(item);
  } else {
    size = numbers_.left();
    on_number(field_, numbers_);
    size -= numbers_.left();
  }
  skip_other_fields();
  return size;
}

std::size_t ItemInbox::Cursor::skip() {
  return advance([](std::string_view /*item*/) {},
                 [](std::uint32_t field, Reader& from) {
                   if (field == kDoubles) {
                     from.fixed64();
                   } else {
                     from.varint();
                   }
                 });
}

Value ItemInbox::Cursor::next(ItemRoom& freed) {
  Value value;
  std::optional<std::string_view> item;
  const std::size_t size = advance([&](std::string_view bytes) { item = bytes; },
                                   [&](std::uint32_t field, Reader& from) {
                                     if (field == kInts) {
                                       value = from.zigzag();
                                     } else if (field == kDoubles) {
                                       value = from.float64();
                                     } else {
                                       value = from.varint() != 0;
                                     }
                                   });
  freed.items += 1;
  freed.bytes += static_cast<std::int64_t>(size);
  return item ? from_wire(*item) : std::move(value);
}

bool ItemInbox::add_run(std::string run) {
  // Counted before it is taken: none of a run that is wrong is received.
  ItemRoom left = left_;
  std::size_t known = kTagBytes;
  for (Cursor counted(run); !counted.done();) {
    if (left.empty()) return false;
    const std::size_t size = counted.skip();
    left.use(size);
    known += size + kTagBytes;
  }
  if (run.size() > known) throw WireFormatError("a run of items that has more in it than items");
  if (Cursor(run).done()) return true;
  left_ = left;
  auto& added = std::get<Run>(frames_.emplace_back(Run{.bytes = std::move(run), .next = Cursor({})}));
  added.next = Cursor(added.bytes);
  return true;
}

bool ItemInbox::add_item(std::string_view item) {
  if (left_.empty()) return false;
  left_.use(item.size());
  One one{.size = item.size(), .value = {}, .error = nullptr};
  try {
    one.value = from_wire(item);
  } catch (const CallError&) {
    one.error = std::current_exception();
  }
  frames_.emplace_back(std::move(one));
  return true;
}

Value ItemInbox::take() {
  if (One* one = std::get_if<One>(&frames_.front())) {
    One taken = std::move(*one);
    frames_.pop_front();
    freed_.items += 1;
    freed_.bytes += static_cast<std::int64_t>(taken.size);
    if (taken.error != nullptr) std::rethrow_exception(taken.error);
    return std::move(taken.value);
  }
  Run& run = std::get<Run>(frames_.front());
  struct ForgetRead {
    ItemInbox& inbox;
    const Run& run;
    ~ForgetRead() {
      if (run.next.done()) inbox.frames_.pop_front();
    }
  } forget{*this, run};
  return run.next.next(freed_);
}

void ItemInbox::clear() {
  frames_.clear();
  freed_ = {.items = room_.items - left_.items, .bytes = room_.bytes - left_.bytes};
}

std::optional<ItemRoom> ItemInbox::take_grant() {
  if (2 * freed_.items < room_.items && 2 * freed_.bytes < room_.bytes) return std::nullopt;
  left_.add(freed_);
  return std::exchange(freed_, {});
}

}  // namespace tractor
