// expect: a generator or a dialog cannot run in_thread
#include <tractor/tractor.h>

void count(tractor::Yield<int>& yield, int last);

void define(tractor::Program& program) { program.module("m").def("count", count, "last", tractor::in_thread); }
