// What became of an actor, as the arbiter has gathered it.
#include <tractor/tractor.h>

#include <iostream>

void director() {
  tractor::open_nursery([](tractor::ActorNursery& n) {
    tractor::Portal donny = n.start_actor("donny");
    donny.cancel_actor();
  });
  // [ledger]
  for (const tractor::LedgerEvent& event : tractor::ledger({.actor = "donny"})) {
    std::cout << event.actor.name << ' ' << to_string(event.kind);  // to_string(event) has all of it
    if (!event.by.name.empty()) std::cout << " by " << event.by.name;
    std::cout << '\n';
  }
  // [/ledger]
}

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  return program.main(tractor::RunOptions{.name = "director"}, director);
}
