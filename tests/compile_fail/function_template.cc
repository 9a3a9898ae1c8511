// expect: say which one, tractor::overload<int(int)>(f)
#include <tractor/tractor.h>

template <class T>
T echo(T x) {
  return x;
}

void call(tractor::Portal& portal) { portal.run(echo, 1); }
