// Actors find each other by name through the arbiter, which this program is itself when no other is there.
#include <tractor/tractor.h>

#include <iostream>

std::string greet(const std::string& who) { return "hello " + who + ", this is " + tractor::current_actor().name(); }

// Runs in "client": it was given a name, nothing else.
// [find]
std::string ask(const std::string& service) {
  std::optional<tractor::Portal> portal = tractor::find_actor(service);
  return portal ? portal->run(greet, tractor::current_actor().name()) : "nobody is called " + service;
}
// [/find]

void director() {
  tractor::open_nursery([](tractor::ActorNursery& n) {
    std::cout << (tractor::find_actor("service") ? "already there?" : "no service yet") << '\n';
    tractor::Portal service = n.start_actor("service", {.modules = {"discovery"}, .labels = {{"zone", "a"}}});
    tractor::Portal second = n.start_actor("service", {.modules = {"discovery"}, .labels = {{"zone", "b"}}});

    std::cout << n.run_in_actor("client", ask, "service").result() << '\n';
    std::cout << n.run_in_actor("lost", ask, "nobody").result() << '\n';

    // Names need not be unique: find_actor prefers the newest, find_actors gives all, or those with a label.
    std::cout << tractor::find_actors("service").size() << " services, "
              << tractor::find_actors("service", {.labels = {{"zone", "a"}}}).size()
              << " of them in zone a; the newest is the second: " << std::boolalpha
              << (tractor::find_actor("service")->id() == second.id()) << '\n';
    std::cout << "the arbiter knows its zone: " << tractor::query_actor("service")->labels.at("zone") << '\n';

    service.cancel_actor();
    second.cancel_actor();
    std::cout << (tractor::find_actor("service") ? "still there?" : "gone, and not listed any more") << '\n';
  });
}

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("discovery").def("greet", greet, "who").def("ask", ask, "service");
  return program.main(director);
}
