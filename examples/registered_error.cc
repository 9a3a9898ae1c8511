// An exception type that both sides have registered crosses processes as itself, with its members.
#include <tractor/tractor.h>

#include <iostream>
#include <stdexcept>

// [type]
struct SoldOut : std::runtime_error {
  SoldOut() : std::runtime_error("sold out") {}
  int seats_left = 0;
};
BOOST_DESCRIBE_STRUCT(SoldOut, (), (seats_left))  // what travels besides the text

void book(int seats) {
  SoldOut error;
  error.seats_left = 2;
  if (seats > error.seats_left) throw error;
}
// [/type]

void customer() {
  tractor::open_nursery([](tractor::ActorNursery& n) {
    tractor::Portal box_office = n.start_actor("box_office", {.modules = {"cinema"}});
    // [catch]
    try {
      box_office.run(book, 3);
    } catch (const tractor::RemoteActorError& e) {
      try {
        std::rethrow_if_nested(e);  // throws the original, and does nothing for an error that is not registered
        throw;
      } catch (const SoldOut& sold_out) {
        std::cout << e.origin().name << ": " << e.message() << ", " << sold_out.seats_left << " seats left\n";
      }
    }
    // [/catch]
    box_office.cancel_actor();
  });
}

int main(int argc, char** argv) {
  // [register]
  tractor::Program program(argc, argv);
  program.module("cinema").def("book", book, "seats");
  program.exceptions().def<SoldOut>("cinema.SoldOut");
  // [/register]
  return program.main(customer);
}
