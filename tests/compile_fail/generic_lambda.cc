// expect: give a generic lambda types instead of auto
#include <tractor/tractor.h>

void define(tractor::Program& program) {
  program.module("m").def("echo", [](auto x) { return x; });
}
