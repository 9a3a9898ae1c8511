// expect: an actor's function returns by value
#include <tractor/tractor.h>

const std::string& name();

void define(tractor::Program& program) { program.module("m").def("name", name); }
