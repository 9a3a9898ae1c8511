// expect: a supervised function is one that returns
#include <tractor/tractor.h>

void count(tractor::Yield<int>& yield, int last);

void add(tractor::Supervisor& supervisor) { supervisor.add("counter", {}, count, 3); }
