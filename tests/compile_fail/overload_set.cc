// expect: say which one, tractor::overload<int(int)>(f)
#include <tractor/tractor.h>

int half(int x) { return x / 2; }
double half(double x) { return x / 2; }

void define(tractor::Program& program) { program.module("m").def("half", half); }
