// A daemon actor: it serves the functions of its modules until it is cancelled.
#include <tractor/tractor.h>

#include <iostream>

std::string movie_theatre_question() { return "have you ever seen a portal?"; }

std::string buy_ticket(const std::string& film, int seats) {
  auto& sold = tractor::current_actor().statespace()["sold"];
  sold = tractor::Codec<int>::decode(sold) + seats;
  return std::to_string(seats) + " for " + film + ", " + std::to_string(tractor::Codec<int>::decode(sold)) + " sold";
}

// [daemon]
void director() {
  tractor::open_nursery([](tractor::ActorNursery& n) {
    tractor::Portal frank = n.start_actor("frank", {.modules = {"cinema"}, .statespace = {{"sold", 0}}});

    // Typed, by name, and with named arguments.
    std::cout << frank.run(movie_theatre_question) << '\n';
    std::cout << frank.run<std::string>("cinema.movie_theatre_question") << '\n';
    std::cout << frank.run(buy_ticket, "Donnie Darko", 2) << '\n';
    std::cout << frank.run<std::string>("cinema.buy_ticket", {{"seats", 1}, {"film", "Dune"}}) << '\n';

    frank.cancel_actor();  // a daemon would serve forever
  });
}
// [/daemon]

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("cinema")
      .def("movie_theatre_question", movie_theatre_question)
      .def("buy_ticket", buy_ticket, "film", "seats");
  return program.main(director);
}
