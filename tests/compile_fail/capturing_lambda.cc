// expect: a lambda with captures cannot run in another process: give it parameters instead
#include <tractor/tractor.h>

void define(tractor::Program& program, int x) {
  program.module("m").def("add", [x](int y) { return x + y; });
}
