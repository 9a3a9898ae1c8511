#include <tractor/tractor.h>

#include <iostream>

std::string hi() { return "Hi my name is " + tractor::current_actor().name(); }

std::string say_hello(const std::string& other_actor) {
  tractor::Portal other = tractor::wait_for_actor(other_actor);  // parks this task until the arbiter knows the name
  return other.run(hi);                                          // std::string, type-checked at compile time
}

void director() {
  tractor::open_nursery([](tractor::ActorNursery& n) {
    auto donny = n.run_in_actor("donny", say_hello, "gretchen");
    auto gretchen = n.run_in_actor("gretchen", say_hello, "donny");
    std::cout << gretchen.result() << '\n' << donny.result() << '\n';
  });  // both processes have ended here, whatever happened
}

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("scene").def("hi", hi).def("say_hello", say_hello, "other_actor");
  return program.main(director);
}
