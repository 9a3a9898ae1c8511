// tractor_bench: what tractor costs, in named figures. See --help.
#include <tractor/tractor.h>

#include "bench_program.h"
#include "functions.h"
#include "raw_grpc.h"
#include "transport.h"

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module(bench::kModule)
      .def("echo", bench::echo, "text")
      .def("busy_poll", bench::busy_poll, "microseconds")
      .def("nothing", bench::nothing)
      .def("items", bench::items, "count", "size")
      .def("idle", bench::idle)
      .def("items_forever", bench::items_forever, "size")
      .def("own_pid", bench::own_pid)
      .def("wait_forever", bench::wait_forever)
      .def("grow", bench::grow, "widths")
      .def("chat", bench::chat);
  program.serve_if_child();
  bench::run_if_raw_server(argc, argv);
  bench::run_if_raw_client(argc, argv);
  if (const auto status = bench::run_if_tcp_actor(program, argc, argv)) return *status;

  bench::BenchProgram wanted(
      "tractor_bench",
      "Measures what tractor costs: tasks, actors as processes, and calls, these next to plain gRPC's.\n"
      "Takes about three minutes. Figures mean something in a release build on a machine that does nothing else.",
      bench::all_measurements());
  if (const auto status = wanted.parse(argc, argv)) return *status;
  const bench::TemporaryDirectory directory;
  return program.main({.name = "bench", .arbiter = bench::arbiter_address(directory.path())},
                      [&] { return wanted.run(directory.path()); });
}
