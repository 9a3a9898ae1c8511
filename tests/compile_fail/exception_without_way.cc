// expect: an exception travels as its members or as its text
#include <tractor/tractor.h>

struct Torn {
  explicit Torn(int at) : frame(at) {}
  int frame;
};

void define(tractor::Program& program) { program.exceptions().def<Torn>("film.Torn"); }
