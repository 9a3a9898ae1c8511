// expect: two members of this struct, or of its bases, have one name
#include <tractor/tractor.h>

struct Base {
  std::string id = {};
};
BOOST_DESCRIBE_STRUCT(Base, (), (id))
struct Derived : Base {
  int id = 0;
};
BOOST_DESCRIBE_STRUCT(Derived, (Base), (id))
int id_of(const Derived& object);

void define(tractor::Program& program) { program.module("m").def("id_of", id_of, "object"); }
