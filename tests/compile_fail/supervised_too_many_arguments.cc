// expect: the function takes another number of arguments
#include <tractor/tractor.h>

int add(int x, int y);

void add_child(tractor::Supervisor& supervisor) { supervisor.add("adder", add, 1, 2, 3); }
