#include "runtime/wire/text.h"

#include "absl/strings/str_cat.h"
#include "runtime/wire/value.h"

namespace tractor {
namespace {

template <class Escaped>
std::string escape_where(std::string_view raw, Escaped escaped) {
  std::string text;
  text.reserve(raw.size());
  for (const char c : raw) {
    if (escaped(static_cast<unsigned char>(c))) {
      absl::StrAppend(&text, "\\x", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

std::string utf8_text(std::string_view raw) {
  if (is_utf8(raw)) return std::string(raw);
  return escape_where(raw, [](unsigned char c) { return c >= 0x80; });
}

std::string cut_text(std::string_view whole, std::size_t limit) {
  if (whole.size() <= limit) return std::string(whole);
  const std::string note = absl::StrCat("... (cut, ", whole.size(), " bytes in all)");
  if (limit < 2 * note.size()) return "";
  std::size_t end = limit - note.size();
  while (end > 0 && (static_cast<unsigned char>(whole[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat(std::string(whole.substr(0, end)), note);
}

std::string one_line(std::string_view text) {
  return escape_where(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::string reason_text(std::string_view reason) {
  constexpr std::size_t kMostBytes = 4096;
  return cut_text(utf8_text(reason), kMostBytes);
}

}  // namespace tractor
