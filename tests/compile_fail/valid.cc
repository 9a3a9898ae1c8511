// expect: nothing
#include <tractor/tractor.h>

// What the others do wrong, right: the proof that it is not the test that fails to compile.
int half(int x);
double half(double x);
std::string name();
struct Seat {
  int row = 0;
};
BOOST_DESCRIBE_STRUCT(Seat, (), (row))
int row_of(const std::vector<Seat>& seats);
int crunch(std::stop_token stop, int x);

void define(tractor::Program& program) {
  program.module("m")
      .def("half", tractor::overload<int(int)>(half), "x")
      .def("add", [](int x, int y) { return x + y; })
      .def("name", name)
      .def("row_of", row_of, "seats")
      .def("crunch", crunch, "x", tractor::in_thread);
}
int call(tractor::Portal& portal, tractor::ActorNursery& nursery) {
  nursery.run_in_actor("frank", {.budget = std::chrono::seconds(1)}, name);
  nursery.run_in_actor("frank", tractor::ActorOptions{}, name);
  tractor::Supervisor supervisor({.strategy = tractor::Strategy::one_for_all});
  supervisor.add("frank", name).add("daemon", {.modules = {"m"}}).add("seats", {}, row_of, std::vector<Seat>());
  return portal.run(tractor::overload<int(int)>(half), 4) + portal.run<int>("m.half", 4);
}
