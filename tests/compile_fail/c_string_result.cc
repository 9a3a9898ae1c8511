// expect: an actor's function returns by value
#include <tractor/tractor.h>

const char* name();

void define(tractor::Program& program) { program.module("m").def("name", name); }
