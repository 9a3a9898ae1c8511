// What functions take and give back: described structs and enums, optional and named arguments, values without a type.
#include <tractor/tractor.h>

#include <iostream>

// [described]
enum class Row { front, back };
BOOST_DESCRIBE_ENUM(Row, front, back)

struct Seat {
  Row row = Row::front;
  int number = 0;
  std::optional<std::string> note = {};
};
BOOST_DESCRIBE_STRUCT(Seat, (), (row, number, note))

struct Ticket {
  std::string film;
  std::vector<Seat> seats;
};
BOOST_DESCRIBE_STRUCT(Ticket, (), (film, seats))

Ticket book(const std::string& film, int seats, std::optional<Row> row) {
  Ticket ticket{.film = film, .seats = {}};
  for (int i = 1; i <= seats; ++i) ticket.seats.push_back({.row = row.value_or(Row::back), .number = i});
  return ticket;
}
// [/described]

void calls(tractor::Portal& cinema) {
  // [calls]
  const Ticket typed = cinema.run(book, "Metropolis", 2, Row::front);                     // checked by the compiler
  const auto by_name = cinema.run<Ticket>("cinema.book", {{"seats", 3}, {"film", "M"}});  // `row` is left out
  const tractor::Value untyped = cinema.run("cinema.book", "Faust", 1);
  // [/calls]
  std::cout << typed.film << ", seat " << typed.seats.back().number << '\n';
  std::cout << by_name.film << ", " << by_name.seats.size() << " seats\n";
  std::cout << untyped.describe() << '\n';
}

void mistakes(tractor::Portal& cinema) {
  // [mistake]
  try {
    cinema.run<Ticket>("cinema.book", "Nosferatu", "two");
  } catch (const tractor::RemoteActorError& error) {
    std::cout << error.message() << '\n';
  }
  // [/mistake]
}

void contents(tractor::Portal& cinema) {
  // [describe]
  for (const tractor::ModuleDescription& module : cinema.describe().modules) {
    for (const tractor::FunctionDescription& function : module.functions) {
      std::cout << module.name << '.' << function.name << '\n';
      for (const tractor::Parameter& parameter : function.parameters)
        std::cout << "  " << parameter.name << ": " << parameter.type << '\n';
    }
  }
  // [/describe]
}

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  // [define]
  program.module("cinema").def("book", book, "film", "seats", "row");  // the names of its parameters
  // [/define]
  return program.main([] {
    tractor::open_nursery([](tractor::ActorNursery& n) {
      tractor::Portal cinema = n.start_actor("cinema", {.modules = {"cinema"}});
      calls(cinema);
      mistakes(cinema);
      contents(cinema);
      cinema.cancel_actor();
    });
  });
}
