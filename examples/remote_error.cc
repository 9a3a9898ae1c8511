// An error in an actor comes back to where its result is wanted, and cancels everything else the nursery owns.
#include <tractor/tractor.h>

#include <iostream>
#include <stdexcept>

void assert_err(int depth) {
  if (depth > 0) {  // one process deeper
    tractor::open_nursery([&](tractor::ActorNursery& n) {
      n.run_in_actor("level" + std::to_string(depth), assert_err, depth - 1).result();
    });
  }
  throw std::logic_error("assertion of nothing failed");
}

void wait_forever() { tractor::sleep_forever(); }

// [error]
void director() {
  try {
    tractor::open_nursery([](tractor::ActorNursery& n) {
      n.run_in_actor("bystander", wait_forever);  // is cancelled when the other fails
      n.run_in_actor("name_error", assert_err, 1);
    });
  } catch (const tractor::RemoteActorError& e) {
    std::cout << e.type_name() << ": " << e.message() << '\n';
    std::cout << "thrown in " << e.origin().name << ", came through";
    for (const tractor::ActorRef& hop : e.relay_path()) std::cout << ' ' << hop.name;
    std::cout << '\n';
  }
}
// [/error]

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("errors").def("assert_err", assert_err, "depth").def("wait_forever", wait_forever);
  return program.main(director);
}
