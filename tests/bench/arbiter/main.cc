// arbiter_bench: what it costs to register, find and watch, in named figures. See --help.
#include <tractor/tractor.h>

#include "../bench_program.h"
#include "../raw_grpc.h"
#include "arbiters.h"
#include "measurements.h"

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.serve_if_child();
  bench::run_if_raw_server(argc, argv);
  bench::run_if_raw_client(argc, argv);

  bench::BenchProgram wanted(
      "arbiter_bench",
      "Measures what an arbiter costs: finding actors, next to plain gRPC and etcd, registrations, watchers.\n"
      "Takes about a minute, and etcd for its figure. Figures mean something in a release build on a machine that "
      "does\n"
      "nothing else.",
      {bench::find_compared_with_grpc(), bench::many_registrations(), bench::many_watchers(), bench::reregistration(),
       bench::find_compared_with_etcd()});
  if (const auto status = wanted.parse(argc, argv)) return *status;
  const bench::TemporaryDirectory directory;
  const bench::Arbiter arbiter(directory.path() + "/arbiter.sock");
  return program.main({.name = "bench", .arbiter = arbiter.address()}, [&] { return wanted.run(directory.path()); });
}
