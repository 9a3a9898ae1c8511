// The smallest program: one actor, one call, one value.
#include <tractor/tractor.h>

#include <iostream>

std::string cellar_door() {
  return tractor::current_actor().name() == "root" ? "Oh no, I run at home" : "Dang that's beautiful";
}

void director() {
  tractor::open_nursery([](tractor::ActorNursery& n) {
    auto some_linguist = n.run_in_actor("some_linguist", cellar_door);
    std::cout << some_linguist.result() << '\n';  // waits until the function has returned
  });
}

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("words").def("cellar_door", cellar_door);
  return program.main(director);
}
