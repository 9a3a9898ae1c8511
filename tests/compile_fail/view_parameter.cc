// expect: take values or const references (no views, pointers or mutable references)
#include <tractor/tractor.h>

int length(std::string_view text);

void define(tractor::Program& program) { program.module("m").def("length", length, "text"); }
