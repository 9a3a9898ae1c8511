#include "arbiter/addresses.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "arbiter/check.h"
#include "runtime/task/error.h"
#include "runtime/wire/address.h"

namespace tractor::arbiter {

std::vector<std::string> parse_addresses(std::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(absl::string_view(text.data(), text.size()), ',');
  std::vector<std::string> addresses;
  try {
    for (const std::string& part : parts) {
      const Address address = parse_address(std::string(absl::StripAsciiWhitespace(part)));
      check_has_port(address, absl::StrCat("the arbiter address \"", part, "\""));
      addresses.push_back(to_string(address));
    }
  } catch (const UsageError& e) {
    if (parts.size() == 1) throw;
    throw UsageError(absl::StrCat(e.what(), " (in \"", std::string(text), "\", where a comma separates addresses)"));
  }
  return addresses;
}

}  // namespace tractor::arbiter
