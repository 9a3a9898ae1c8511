// Addresses at which actors and arbiters serve: "unix:/path/to.sock" or "host:port". Plain data, any thread.
#pragma once

#include <string>
#include <string_view>

#include "runtime/task/clock.h"

namespace tractor {

// Over TCP, a peer that shows no sign of life for so long is unreachable: calls to it fail, and its own end. One that
// computes shows signs of life; one that is stopped does not. At least 1 s.
inline constexpr Clock::duration kUnreachableAfter = std::chrono::seconds(15);
// Who does not acknowledge for so long that a call was cancelled is given up.
inline constexpr Clock::duration kUnacknowledgedAfter = std::chrono::milliseconds(500);
// For how long a new connection may say nothing.
inline constexpr Clock::duration kSilence = std::chrono::seconds(10);
// The time an actor has to end when it is cancelled, unless somebody says otherwise.
inline constexpr Clock::duration kDefaultBudget = std::chrono::seconds(5);

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
