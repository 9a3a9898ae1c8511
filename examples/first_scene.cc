// Two actors greet each other through a director: the first scene.
//   first_scene [NAME NAME]     other names for donny and gretchen
#include <tractor/tractor.h>

#include <iostream>

// [functions]
std::string hi() { return "Hi my name is " + tractor::current_actor().name(); }

std::string say_hello(const std::string& other_actor) {
  tractor::Portal other = tractor::wait_for_actor(other_actor);  // parks this task until the arbiter knows the name
  return other.run(hi);                                          // std::string, type-checked at compile time
}
// [/functions]

// [director]
void director(const std::string& first, const std::string& second) {
  tractor::open_nursery([&](tractor::ActorNursery& n) {
    std::cout << "Alright... Action!\n";
    auto donny = n.run_in_actor(first, say_hello, second);
    auto gretchen = n.run_in_actor(second, say_hello, first);
    std::cout << gretchen.result() << '\n' << donny.result() << '\n';
    std::cout << "CUTTTT CUUTT CUT!!! " << char(std::toupper(first[0])) << first.substr(1)
              << "!! You're supposed to say...\n";
  });
}
// [/director]

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("scene").def("hi", hi).def("say_hello", say_hello, "other_actor");
  if (argc != 1 && argc != 3) {
    const bool asked = argc == 2 && std::string(argv[1]) == "--help";
    (asked ? std::cout : std::cerr) << "usage: first_scene [NAME NAME]\n";
    return asked ? 0 : 2;
  }
  const std::string first = argc == 3 ? argv[1] : "donny";
  const std::string second = argc == 3 ? argv[2] : "gretchen";
  // Prints an uncaught error and returns 1; program.run(director, ...) throws it.
  return program.main(director, first, second);
}
