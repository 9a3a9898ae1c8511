#include "tractor/codec.h"

namespace tractor {

void detail::mismatch(const std::string& expected, const Value& got) {
  throw DecodeError("expected " + expected + ", got " + got.describe());
}

// Not inline: GCC 12 takes the members of a moved variant for uninitialized (-Wmaybe-uninitialized at -O2).
std::string Codec<std::string>::decode(Value value) {
  if (auto* s = value.get_if<std::string>()) return std::move(*s);
  if (auto* b = value.get_if<Value::Bytes>()) return std::move(b->data);
  detail::mismatch(type(), value);
}

Value::Bytes Codec<Value::Bytes>::decode(Value value) {
  if (auto* b = value.get_if<Value::Bytes>()) return std::move(*b);
  if (auto* s = value.get_if<std::string>()) return {std::move(*s)};
  detail::mismatch(type(), value);
}

}  // namespace tractor
