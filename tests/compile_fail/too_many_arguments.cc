// expect: the function takes another number of arguments
#include <tractor/tractor.h>

int add(int x, int y);

void call(tractor::ActorNursery& nursery) { nursery.run_in_actor("adder", add, 1, 2, 3); }
