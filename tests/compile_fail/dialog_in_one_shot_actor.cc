// expect: a function that takes a Context is called by open_context() on the portal of start_actor()
#include <tractor/tractor.h>

void talk(tractor::Context<int, int>& caller);

void start(tractor::ActorNursery& n) { n.run_in_actor("talker", talk); }
