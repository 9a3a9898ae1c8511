// expect: the function takes another number of arguments
#include <tractor/tractor.h>

int add(int x, int y);

void call(tractor::Portal& portal) { portal.run(add, 1); }
