// expect: this function takes a Context: use portal.open_context()
#include <tractor/tractor.h>

void talk(tractor::Context<int, int>& caller);

void call(tractor::Portal& portal) { portal.run(talk); }
