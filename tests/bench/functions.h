// What the actors of this program can run: module "bench".
#pragma once

#include <tractor/tractor.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

namespace bench {

inline constexpr const char* kModule = "bench";
inline constexpr const char* kEcho = "bench.echo";

inline std::string echo(const std::string& text) { return text; }
inline void nothing() {}
inline void busy_poll(std::int64_t microseconds) {
  tractor::current_actor().busy_poll(std::chrono::microseconds(microseconds));
}
inline void items(tractor::Yield<std::string>& yield, std::int64_t count, std::size_t size) {
  const std::string item(size, 'x');
  for (std::int64_t i = 0; i < count; ++i) yield(item);
}
// One item, then nothing.
inline void idle(tractor::Yield<int>& yield) {
  yield(1);
  tractor::sleep_forever();
}
inline void items_forever(tractor::Yield<std::string>& yield, std::size_t size) {
  const std::string item(size, 'x');
  while (true) yield(item);
}
inline std::int64_t own_pid() { return getpid(); }
inline void wait_forever() { tractor::sleep_forever(); }
// Grows a tree below this actor, of daemons at its leaves: so many children here, and so many below each of them, ...
void grow(const std::vector<int>& widths);
inline void chat(tractor::Context<std::string, std::string>& caller) {
  for (const std::string& text : caller) caller.send(text);
}

// What is echoed: 16 bytes.
inline const std::string kText = "sixteen letters.";

}  // namespace bench
