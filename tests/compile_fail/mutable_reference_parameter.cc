// expect: take values or const references (no views, pointers or mutable references)
#include <tractor/tractor.h>

void fill(std::string& text);

void define(tractor::Program& program) { program.module("m").def("fill", fill, "text"); }
