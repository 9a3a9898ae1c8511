// expect: only a function that runs in_thread gets a std::stop_token
#include <tractor/tractor.h>

int crunch(std::stop_token stop, int x);

void define(tractor::Program& program) { program.module("m").def("crunch", crunch, "x"); }
