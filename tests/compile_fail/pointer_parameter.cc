// expect: take values or const references (no views, pointers or mutable references)
#include <tractor/tractor.h>

void fill(int* number);

void define(tractor::Program& program) { program.module("m").def("fill", fill, "number"); }
