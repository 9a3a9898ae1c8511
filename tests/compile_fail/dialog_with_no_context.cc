// expect: a dialog is a function whose first parameter is a tractor::Context<In, Out>&
#include <tractor/tractor.h>

int add(int x, int y);

void call(tractor::Portal& portal) { portal.open_context(add, 1, 2); }
