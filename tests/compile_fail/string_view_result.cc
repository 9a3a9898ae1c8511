// expect: return what owns its content, such as std::string for a view
#include <tractor/tractor.h>

std::string_view name();

void define(tractor::Program& program) { program.module("m").def("name", name); }
