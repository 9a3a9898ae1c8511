// Addresses at which actors and arbiters serve: "unix:/path/to.sock" or "host:port". Plain data, any thread.
#pragma once

#include <string>
#include <string_view>

namespace tractor {

struct Address {
  enum class Kind { unix_socket, tcp };
  Kind kind = Kind::unix_socket;
  std::string path = {};  // of a unix socket
  std::string host = {};  // of TCP; IPv6 without brackets
  int port = 0;           // 0: the kernel chooses, where one listens

  bool operator==(const Address&) const = default;
};

// Throws UsageError that names the text, what is wrong with it and the forms there are.
Address parse_address(std::string_view text);
// As it is written and as gRPC wants it: "unix:/path", "127.0.0.1:1616", "[::1]:1616".
std::string to_string(const Address& address);

// The longest path a unix socket can have, without the terminating zero.
inline constexpr std::size_t kMaxSocketPath = 107;

}  // namespace tractor
