#include "runtime/wire/value_wire.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <utility>

#include "runtime/wire/remote_error.h"
#include "tractor/v1/value.pb.h"

namespace tractor {
namespace {

using google::protobuf::Any;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

// https://protobuf.dev/programming-guides/encoding; the two others are groups, which proto3 does not have.
enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

constexpr int kKeyField = 1;  // of a map's entry
constexpr int kValueField = 2;

constexpr std::string_view kValueTypeUrl = "type.googleapis.com/tractor.v1.Value";

constexpr std::uint32_t tag_of(int field, WireType type) { return static_cast<std::uint32_t>(field) << 3 | type; }

[[noreturn]] void refuse(const std::string& what) { throw CallError(ErrorKind::invalid_argument, what); }

[[noreturn]] void refuse_nesting() {
  refuse("a value nested more than " + std::to_string(kMaxNesting) + " deep cannot travel");
}

[[noreturn]] void refuse_bytes() { refuse("a tractor.v1.Value that cannot be parsed"); }

// Fills a buffer from its end: the length of a message, which stands in front of it, is known when it is written, and
// nothing is measured first or moved afterwards. Every field is written after those that follow it.
class BackwardWriter {
 public:
  BackwardWriter() = default;
  BackwardWriter(const BackwardWriter&) = delete;
  BackwardWriter& operator=(const BackwardWriter&) = delete;

  void varint_field(int field, std::uint64_t value) {
    varint(value);
    varint(tag_of(field, kVarint));
  }
  void double_field(int field, double value) {
    CodedOutputStream::WriteLittleEndian64ToArray(std::bit_cast<std::uint64_t>(value), bytes_of(room(sizeof(value))));
    varint(tag_of(field, kFixed64));
  }
  void bytes_field(int field, std::string_view value) {
    value.copy(room(value.size()), value.size());
    length_and_tag(value.size(), field);
  }
  template <class F>
  void message_field(int field, F&& write_content) {
    const std::size_t before = size();
    write_content();
    length_and_tag(size() - before, field);
  }

  std::string take_bytes() {
    if (large_.empty()) return {begin_, size()};
    large_.erase(0, large_.size() - size());
    return std::move(large_);
  }

 private:
  std::size_t size() const { return static_cast<std::size_t>(end_ - begin_); }
  void length_and_tag(std::size_t length, int field) {
    varint(length);
    varint(tag_of(field, kLengthDelimited));
  }
  void varint(std::uint64_t value) {
    if (value < 0x80) {
      *room(1) = static_cast<char>(value);
    } else {
      CodedOutputStream::WriteVarint64ToArray(value, bytes_of(room(CodedOutputStream::VarintSize64(value))));
    }
  }
  // In front of what is written.
  char* room(std::size_t bytes) {
    if (bytes > static_cast<std::size_t>(begin_ - buffer_)) grow(bytes);
    return begin_ -= bytes;
  }
  void grow(std::size_t bytes) {
    const std::size_t written = size();
    const std::size_t capacity = std::max(2 * static_cast<std::size_t>(end_ - buffer_), written + bytes + kSpare);
    std::string larger(capacity, '\0');
    std::copy(begin_, end_, larger.data() + capacity - written);
    large_ = std::move(larger);
    buffer_ = large_.data();
    end_ = buffer_ + capacity;
    begin_ = end_ - written;
  }
  static std::uint8_t* bytes_of(char* text) { return reinterpret_cast<std::uint8_t*>(text); }

  static constexpr std::size_t kSpare = 512;  // for what stands in front of a large text: usually little

  std::array<char, 512> small_;
  std::string large_;  // instead of small_, when that is too small
  char* buffer_ = small_.data();
  char* end_ = buffer_ + small_.size();
  char* begin_ = end_;
};

// `depth`: how many lists and maps stand around it.
void write(const Value& value, BackwardWriter& to, int depth);

void write(const Value::List& list, BackwardWriter& to, int depth) {
  to.message_field(v1::Value::kListValueFieldNumber, [&] {
    for (auto item = list.rbegin(); item != list.rend(); ++item)
      to.message_field(v1::ListValue::kValuesFieldNumber, [&] { write(*item, to, depth + 1); });
  });
}

void write(const Value::Map& map, BackwardWriter& to, int depth) {
  to.message_field(v1::Value::kMapValueFieldNumber, [&] {
    for (auto entry = map.rbegin(); entry != map.rend(); ++entry) {
      if (!is_utf8(entry->first)) refuse("a map key that is no valid UTF-8 cannot travel");
      to.message_field(v1::MapValue::kFieldsFieldNumber, [&] {
        to.message_field(kValueField, [&] { write(entry->second, to, depth + 1); });
        to.bytes_field(kKeyField, entry->first);
      });
    }
  });
}

// A list or map, in a message of its own when the message around it is full.
template <class C>
void write_container(const C& container, BackwardWriter& to, int depth) {
  if (depth >= kMaxNesting) refuse_nesting();
  if (depth == 0 || depth % kNestingOfMessage != 0) return write(container, to, depth);
  to.message_field(v1::Value::kMessageValueFieldNumber, [&] {
    to.message_field(Any::kValueFieldNumber, [&] { write(container, to, depth); });
    to.bytes_field(Any::kTypeUrlFieldNumber, kValueTypeUrl);
  });
}

void write(const Value& value, BackwardWriter& to, int depth) {
  if (const auto* b = value.get_if<bool>()) {
    to.varint_field(v1::Value::kBoolValueFieldNumber, *b ? 1 : 0);
  } else if (const auto* i = value.get_if<std::int64_t>()) {
    const std::uint64_t zigzag = (static_cast<std::uint64_t>(*i) << 1) ^ static_cast<std::uint64_t>(*i >> 63);
    to.varint_field(v1::Value::kInt64ValueFieldNumber, zigzag);
  } else if (const auto* d = value.get_if<double>()) {
    to.double_field(v1::Value::kDoubleValueFieldNumber, *d);
  } else if (const auto* s = value.get_if<std::string>()) {
    to.bytes_field(is_utf8(*s) ? v1::Value::kStringValueFieldNumber : v1::Value::kBytesValueFieldNumber, *s);
  } else if (const auto* b = value.get_if<Value::Bytes>()) {
    to.bytes_field(v1::Value::kBytesValueFieldNumber, b->data);
  } else if (const auto* m = value.get_if<Value::Message>()) {
    to.message_field(v1::Value::kMessageValueFieldNumber, [&] {
      if (!m->data.empty()) to.bytes_field(Any::kValueFieldNumber, m->data);
      if (!m->type_url.empty()) to.bytes_field(Any::kTypeUrlFieldNumber, m->type_url);
    });
  } else if (const auto* l = value.get_if<Value::List>()) {
    write_container(*l, to, depth);
  } else if (const auto* m = value.get_if<Value::Map>()) {
    write_container(*m, to, depth);
  } else {
    to.varint_field(v1::Value::kNullValueFieldNumber, google::protobuf::NULL_VALUE);
  }
}

// The fields of a message, from its first. What it gives points into the message.
class Reader {
 public:
  explicit Reader(std::string_view message)
      : next_(reinterpret_cast<const std::uint8_t*>(message.data())), end_(next_ + message.size()) {}

  bool done() const { return next_ == end_; }
  std::uint32_t tag() {
    const std::uint64_t tag = varint();
    if (tag >> 3 == 0 || tag > std::numeric_limits<std::uint32_t>::max()) refuse_bytes();
    return static_cast<std::uint32_t>(tag);
  }
  std::uint64_t varint() {
    if (next_ != end_ && *next_ < 0x80) return *next_++;
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && next_ != end_; shift += 7) {
      const std::uint64_t byte = *next_++;
      value |= (byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    refuse_bytes();
  }
  double fixed64() {
    std::uint64_t bits = 0;
    CodedInputStream::ReadLittleEndian64FromArray(take(sizeof(bits)), &bits);
    return std::bit_cast<double>(bits);
  }
  std::string_view bytes() {
    const std::uint64_t size = varint();
    return {reinterpret_cast<const char*>(take(size)), size};
  }
  std::string_view text() {
    const std::string_view text = bytes();
    if (!is_utf8(text)) refuse_bytes();
    return text;
  }
  void skip(std::uint32_t tag) {
    switch (tag & 7) {
      case kVarint:
        varint();
        return;
      case kFixed64:
        take(8);
        return;
      case kLengthDelimited:
        bytes();
        return;
      case kFixed32:
        take(4);
        return;
      default:
        refuse_bytes();
    }
  }

 private:
  const std::uint8_t* take(std::uint64_t size) {
    if (size > static_cast<std::uint64_t>(end_ - next_)) refuse_bytes();
    return std::exchange(next_, next_ + size);
  }

  const std::uint8_t* next_;
  const std::uint8_t* end_;
};

// What `value` is when it is a T already: a field that comes twice is merged, as protobuf's own parsers do.
template <class T>
T& as(Value& value) {
  if (value.get_if<T>() == nullptr) value = T();
  return *value.get_if<T>();
}

// A message inside counts as a level too, so that no chain of them goes deeper.
constexpr int kMaxDepthRead = kMaxNesting + kMaxNesting / kNestingOfMessage;

void read(Reader from, Value& to, int depth);

void read(Reader from, Value::List& to, int depth) {
  while (!from.done()) {
    const std::uint32_t tag = from.tag();
    if (tag == tag_of(v1::ListValue::kValuesFieldNumber, kLengthDelimited)) {
      read(Reader(from.bytes()), to.emplace_back(), depth + 1);
    } else {
      from.skip(tag);
    }
  }
}

std::string_view key_of(Reader entry) {
  std::string_view key;
  while (!entry.done()) {
    const std::uint32_t tag = entry.tag();
    if (tag == tag_of(kKeyField, kLengthDelimited)) {
      key = entry.text();
    } else {
      entry.skip(tag);
    }
  }
  return key;
}

void read_value_of(Reader entry, Value& to, int depth) {
  while (!entry.done()) {
    const std::uint32_t tag = entry.tag();
    if (tag == tag_of(kValueField, kLengthDelimited)) {
      read(Reader(entry.bytes()), to, depth);
    } else {
      entry.skip(tag);
    }
  }
}

void read(Reader from, Value::Map& to, int depth) {
  while (!from.done()) {
    const std::uint32_t tag = from.tag();
    if (tag == tag_of(v1::MapValue::kFieldsFieldNumber, kLengthDelimited)) {
      const Reader entry(from.bytes());
      const std::size_t before = to.size();
      Value& value = to.emplace_hint(to.end(), key_of(entry), Value())->second;  // to_wire() writes them in order
      if (to.size() == before) value = Value();                                  // the last one of a key wins
      read_value_of(entry, value, depth + 1);
    } else {
      from.skip(tag);
    }
  }
}

void read(Reader from, Value::Message& to) {
  while (!from.done()) {
    const std::uint32_t tag = from.tag();
    if (tag == tag_of(Any::kTypeUrlFieldNumber, kLengthDelimited)) {
      to.type_url = from.text();
    } else if (tag == tag_of(Any::kValueFieldNumber, kLengthDelimited)) {
      to.data = from.bytes();
    } else {
      from.skip(tag);
    }
  }
}

void read_kind(std::uint32_t tag, Reader& from, Value& to, int depth) {
  switch (tag) {
    case tag_of(v1::Value::kNullValueFieldNumber, kVarint):
      from.varint();
      to = Value();
      break;
    case tag_of(v1::Value::kBoolValueFieldNumber, kVarint):
      to = from.varint() != 0;
      break;
    case tag_of(v1::Value::kInt64ValueFieldNumber, kVarint): {
      const std::uint64_t zigzag = from.varint();
      to = static_cast<std::int64_t>((zigzag >> 1) ^ (~(zigzag & 1) + 1));
      break;
    }
    case tag_of(v1::Value::kDoubleValueFieldNumber, kFixed64):
      to = from.fixed64();
      break;
    case tag_of(v1::Value::kStringValueFieldNumber, kLengthDelimited):
      to = from.text();
      break;
    case tag_of(v1::Value::kBytesValueFieldNumber, kLengthDelimited):
      to = Value::Bytes{std::string(from.bytes())};
      break;
    case tag_of(v1::Value::kListValueFieldNumber, kLengthDelimited):
      read(Reader(from.bytes()), as<Value::List>(to), depth);
      break;
    case tag_of(v1::Value::kMapValueFieldNumber, kLengthDelimited):
      read(Reader(from.bytes()), as<Value::Map>(to), depth);
      break;
    case tag_of(v1::Value::kMessageValueFieldNumber, kLengthDelimited):
      read(Reader(from.bytes()), as<Value::Message>(to));
      break;
    default:
      from.skip(tag);
  }
}

void read(Reader from, Value& to, int depth) {
  if (depth > kMaxDepthRead) refuse_nesting();
  while (!from.done()) {
    const std::uint32_t tag = from.tag();
    read_kind(tag, from, to, depth);
  }
  const auto* message = to.get_if<Value::Message>();
  if (message == nullptr || !message->type_url.ends_with(kValueTypeUrl.substr(kValueTypeUrl.find('/')))) return;
  Value inner;
  read(Reader(message->data), inner, depth + 1);
  to = std::move(inner);
}

}  // namespace

std::string to_wire(const Value& value) {
  BackwardWriter to;
  write(value, to, 0);
  return to.take_bytes();
}

Value from_wire(std::string_view bytes) {
  Value value;
  read(Reader(bytes), value, 0);
  return value;
}

}  // namespace tractor
