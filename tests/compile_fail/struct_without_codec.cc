// expect: describe the struct or enum with BOOST_DESCRIBE_STRUCT or BOOST_DESCRIBE_ENUM
#include <tractor/tractor.h>

struct Seat {
  int row = 0;
};
int row_of(const std::vector<Seat>& seats);

void define(tractor::Program& program) { program.module("m").def("row_of", row_of, "seats"); }
