// expect: return what owns its content
#include <tractor/tractor.h>

#include <span>

std::span<const int> numbers();

void define(tractor::Program& program) { program.module("m").def("numbers", numbers); }
