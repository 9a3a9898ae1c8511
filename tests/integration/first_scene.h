// The first scene, with pauses in it: whoever is late, it ends. Played 30 times by first_scene_test.cc, 1,000 times by
// first_scene_slow_test.cc; with sanitizers less often.
#pragma once

#include "harness.h"

namespace tractor::test {

inline std::string hi() { return "Hi my name is " + current_actor().name(); }

// Pauses in milliseconds: before looking for the other, and between finding and calling it.
inline std::string say_hello(const std::string& other_actor, int before, int between) {
  tractor::sleep(std::chrono::milliseconds(before));
  Portal other = wait_for_actor(other_actor);
  tractor::sleep(std::chrono::milliseconds(between));
  return other.run(hi);
}

inline void define_scene(Program& p) {
  p.module("scene").def("hi", hi).def("say_hello", say_hello, "other_actor", "before", "between");
}

inline void direct(int take) {
  const int late = take % 8;  // milliseconds, of one or the other
  const int first = take / 8 % 2 == 0 ? late : 0;
  const int second = take / 8 % 2 == 0 ? 0 : late;
  open_nursery([&](ActorNursery& n) {
    auto donny = n.run_in_actor("donny", say_hello, "gretchen", first, take / 16 % 2 == 0 ? 0 : first);
    if (take % 3 == 0) tractor::sleep(std::chrono::milliseconds(late));
    auto gretchen = n.run_in_actor("gretchen", say_hello, "donny", second, take / 16 % 2 == 0 ? 0 : second);
    EXPECT_EQ(gretchen.result(), "Hi my name is donny");
    EXPECT_EQ(donny.result(), "Hi my name is gretchen");
  });
  EXPECT_TRUE(child_pids().empty());
}

}  // namespace tractor::test
