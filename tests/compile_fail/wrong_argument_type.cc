// expect: an argument cannot be converted to what the function takes
#include <tractor/tractor.h>

int add(int x, int y);

void call(tractor::Portal& portal) { portal.run(add, 1, "two"); }
