// expect: describe the struct or enum with BOOST_DESCRIBE_STRUCT or BOOST_DESCRIBE_ENUM
#include <tractor/tractor.h>

struct Seat {
  int row = 0;
};
Seat best();

void call(tractor::Portal& portal) { portal.run(best); }
