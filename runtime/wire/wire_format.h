// Fields of protocol buffers to and from bytes, for what is written and read without generated messages: values and the
// frames of links (https://protobuf.dev/programming-guides/encoding). Any thread.
#pragma once

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/task/error.h"

namespace tractor {

// Bytes are not what they should be: cut off, or no protocol buffers at all.
class WireFormatError : public Error {
 public:
  using Error::Error;
};

// The two others are groups, which proto3 does not have.
enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };
constexpr std::uint32_t tag_of(int field, WireType type) { return static_cast<std::uint32_t>(field) << 3 | type; }

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
    google::protobuf::io::CodedOutputStream::WriteLittleEndian64ToArray(std::bit_cast<std::uint64_t>(value),
                                                                        bytes_of(room(sizeof(value))));
    varint(tag_of(field, kFixed64));
  }
  void bytes_field(int field, std::string_view value) {
    raw(value);
    length_and_tag(value.size(), field);
  }
  // Fields that are bytes already.
  void raw(std::string_view fields) { fields.copy(room(fields.size()), fields.size()); }
  template <class F>
  void message_field(int field, F&& write_content) {
    const std::size_t before = size();
    write_content();
    length_and_tag(size() - before, field);
  }

  // Starts again; keeps the memory of what was usual, so that it need not be had again.
  void clear() {
    if (large_.size() > kKept) {
      large_ = {};
      buffer_ = small_.data();
      end_ = buffer_ + small_.size();
    }
    begin_ = end_;
  }
  // What is written so far; until the next field.
  std::string_view bytes() const { return {begin_, size()}; }
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
    using google::protobuf::io::CodedOutputStream;
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

  static constexpr std::size_t kKept = std::size_t{4} << 20;
  static constexpr std::size_t kSpare = 512;  // for what stands in front of a large text: usually little

  std::array<char, 512> small_;
  std::string large_;  // instead of small_, when that is too small
  char* buffer_ = small_.data();
  char* end_ = buffer_ + small_.size();
  char* begin_ = end_;
};

// A field at the end of a message that is written forwards.
inline void append_varint(std::string& message, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) message += static_cast<char>(number | 0x80);
  message += static_cast<char>(number);
}
inline void append_bytes_field(std::string& message, int field, std::string_view value) {
  append_varint(message, tag_of(field, kLengthDelimited));
  append_varint(message, value.size());
  message += value;
}

// The fields of a message, from its first. What it gives points into the message. Throws WireFormatError.
class Reader {
 public:
  explicit Reader(std::string_view message)
      : next_(reinterpret_cast<const std::uint8_t*>(message.data())), end_(next_ + message.size()) {}

  bool done() const { return next_ == end_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - next_); }
  std::uint32_t tag() {
    const std::uint64_t tag = varint();
    if (tag >> 3 == 0 || tag > std::numeric_limits<std::uint32_t>::max()) refuse();
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
    refuse();
  }
  std::int64_t zigzag() {
    const std::uint64_t bits = varint();
    return static_cast<std::int64_t>((bits >> 1) ^ (~(bits & 1) + 1));
  }
  std::uint64_t fixed64() {
    std::uint64_t bits = 0;
    google::protobuf::io::CodedInputStream::ReadLittleEndian64FromArray(take(sizeof(bits)), &bits);
    return bits;
  }
  double float64() { return std::bit_cast<double>(fixed64()); }
  std::string_view bytes() {
    const std::uint64_t size = varint();
    return {reinterpret_cast<const char*>(take(size)), size};
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
        refuse();
    }
  }

 private:
  [[noreturn]] static void refuse() { throw WireFormatError("bytes that are no protocol buffers"); }
  const std::uint8_t* take(std::uint64_t size) {
    if (size > static_cast<std::uint64_t>(end_ - next_)) refuse();
    return std::exchange(next_, next_ + size);
  }

  const std::uint8_t* next_;
  const std::uint8_t* end_;
};

}  // namespace tractor
