// What the actors of this program can run: module "bench".
#pragma once

#include <string>

namespace bench {

inline constexpr const char* kModule = "bench";
inline constexpr const char* kEcho = "bench.echo";

inline std::string echo(const std::string& text) { return text; }
inline void nothing() {}

// What is echoed: 16 bytes.
inline const std::string kText = "sixteen letters.";

}  // namespace bench
