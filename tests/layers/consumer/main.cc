#include <tractor/tractor.h>

int answer() { return 42; }

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("consumer").def("answer", answer);
  return program.main([] {
    return tractor::open_nursery([](tractor::ActorNursery& n) { return n.run_in_actor("deep thought", answer).result(); });
  });
}
