#include "runtime/wire/address.h"

#include <charconv>

#include "absl/strings/str_cat.h"
#include "runtime/task/error.h"
#include "runtime/wire/value.h"

namespace tractor {
namespace {

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw UsageError(absl::StrCat("cannot parse the address \"", std::string(text), "\": ", std::string(why),
                                "; write unix:/path/to.sock or host:port"));
}

}  // namespace

Address parse_address(std::string_view text) {
  if (text.empty()) refuse(text, "it is empty");
  if (text.starts_with("unix:")) {
    std::string_view path = text.substr(5);
    if (path.starts_with("//")) path.remove_prefix(2);
    if (!path.starts_with('/')) refuse(text, "the path of a unix socket must be absolute");
    if (path.find(',') != std::string_view::npos) refuse(text, "gRPC takes no path with a comma");
    if (!is_utf8(path)) refuse(text, "it is no valid UTF-8");
    if (path.size() > kMaxSocketPath) {
      refuse(text, absl::StrCat("the path has ", path.size(), " bytes, a unix socket takes at most ", kMaxSocketPath));
    }
    return {.kind = Address::Kind::unix_socket, .path = std::string(path)};
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) refuse(text, "there is no port");
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    refuse(text, "an IPv6 address needs brackets, as in [::1]:1616");
  }
  if (host.empty()) refuse(text, "there is no host");
  if (host.find_first_of("/ \t") != std::string_view::npos) refuse(text, "that is no host name");
  int port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port < 0 || port > 65535) {
    refuse(text, absl::StrCat("\"", std::string(digits), "\" is no port (0 to 65535)"));
  }
  return {.kind = Address::Kind::tcp, .host = std::string(host), .port = port};
}

std::string to_string(const Address& address) {
  if (address.kind == Address::Kind::unix_socket) return "unix:" + address.path;
  const bool v6 = address.host.find(':') != std::string::npos;
  return absl::StrCat(v6 ? "[" : "", address.host, v6 ? "]:" : ":", address.port);
}

}  // namespace tractor
