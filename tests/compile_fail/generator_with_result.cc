// expect: a generator returns nothing: what it has to say, it yields
#include <tractor/tractor.h>

int count(tractor::Yield<int>& yield, int last);

void define(tractor::Program& program) { program.module("m").def("count", count, "last"); }
