#include "runtime/wire/value_wire.h"

#include <google/protobuf/any.pb.h>

#include <utility>

#include "runtime/wire/remote_error.h"
#include "tractor/v1/value.pb.h"

namespace tractor {
namespace {

using google::protobuf::Any;

constexpr int kKeyField = 1;  // of a map's entry
constexpr int kValueField = 2;

constexpr std::string_view kValueTypeUrl = "type.googleapis.com/tractor.v1.Value";

[[noreturn]] void refuse(const std::string& what) { throw CallError(ErrorKind::invalid_argument, what); }

[[noreturn]] void refuse_nesting() {
  refuse("a value nested more than " + std::to_string(kMaxNesting) + " deep cannot travel");
}

// Text, which is valid UTF-8.
std::string_view text(Reader& from) {
  const std::string_view text = from.bytes();
  if (!is_utf8(text)) throw WireFormatError("a text that is no valid UTF-8");
  return text;
}

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
      key = text(entry);
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
      to.type_url = text(from);
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
    case tag_of(v1::Value::kInt64ValueFieldNumber, kVarint):
      to = from.zigzag();
      break;
    case tag_of(v1::Value::kDoubleValueFieldNumber, kFixed64):
      to = from.float64();
      break;
    case tag_of(v1::Value::kStringValueFieldNumber, kLengthDelimited):
      to = text(from);
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

void write_value(const Value& value, BackwardWriter& to) { write(value, to, 0); }

std::string to_wire(const Value& value) {
  BackwardWriter to;
  write(value, to, 0);
  return to.take_bytes();
}

Value from_wire(std::string_view bytes) {
  Value value;
  try {
    read(Reader(bytes), value, 0);
  } catch (const WireFormatError&) {
    refuse("a tractor.v1.Value that cannot be parsed");
  }
  return value;
}

}  // namespace tractor
