// Each actor has a state of its own, shared by all its tasks; a child's starts with what it was given.
#include <tractor/tractor.h>

#include <iostream>

// [state]
std::string check_statespace() {
  tractor::Value::Map& state = tractor::current_actor().statespace();
  const auto doggy = tractor::Codec<int>::decode(state.at("doggy"));
  state["doggy"] = doggy + 1;  // this process' own
  return tractor::current_actor().name() + ": doggy is " + std::to_string(doggy);
}
// [/state]

void director() {
  tractor::current_actor().statespace()["doggy"] = 10;
  tractor::open_nursery([](tractor::ActorNursery& n) {
    tractor::Portal kennel = n.start_actor("kennel", {.modules = {"state"}, .statespace = {{"doggy", 99}}});
    std::cout << kennel.run(check_statespace) << '\n' << kennel.run(check_statespace) << '\n';
    std::cout << check_statespace() << '\n';
    kennel.cancel_actor();
  });
}

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("state").def("check_statespace", check_statespace);
  return program.main(director);
}
