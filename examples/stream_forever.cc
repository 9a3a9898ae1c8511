// An endless stream of another actor, for a limited time: the scope around the nursery ends the loop, the generator and
// the actor.
#include <tractor/tractor.h>

#include <iostream>
#include <string>

using namespace std::chrono_literals;

// [stream]
void stream_forever(tractor::Yield<std::string>& yield) {
  while (true) yield("I can feel the way they're looking at me");
}

void listen_for_a_while() {
  tractor::ActorNursery n;
  std::string heard;
  const auto scope = tractor::move_on_after(3s, [&] {
    tractor::open_nursery(n, [&] {
      tractor::Portal donny = n.start_actor("donny", {.modules = {"stage"}});
      for (const std::string& line : donny.run(stream_forever)) heard = line;
    });
  });
  std::cout << heard << '\n'
            << "cancelled by the timeout: " << (scope.cancelled_caught() ? "yes" : "no") << '\n'
            << "the nursery was cancelled: " << (n.cancelled() ? "yes" : "no") << '\n'
            << "donny is there: " << (tractor::find_actor("donny") ? "yes" : "no") << '\n';
}
// [/stream]

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("stage").def("stream_forever", stream_forever);
  return program.main(listen_for_a_while);
}
