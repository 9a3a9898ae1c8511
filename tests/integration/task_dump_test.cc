// What an actor is doing, by call and on SIGUSR1.
#include "harness.h"

namespace tractor::test {
namespace {

[[gnu::noinline]] void wait_for_the_popcorn() { sleep_forever(); }
Event idles;
void idle() {
  idles.set();
  wait_for_the_popcorn();
}
pid_t pid_of_the_idle() {
  idles.wait();
  return getpid();
}
std::string dump() {
  std::string text;
  open_task_nursery([&](TaskNursery& t) {
    t.start_named("popcorn", [] { wait_for_the_popcorn(); });
    checkpoint();
    text = dump_tasks();
    t.cancel_scope().cancel();
  });
  return text;
}

void define(Program& p) {
  p.module("dump")
      .def("idle", idle)
      .def("dump", dump)
      .def("pid_of_the_idle", pid_of_the_idle)
      .def("wait", wait_for_the_popcorn);
}
const ActorOptions kDump{.modules = {"dump"}};

using TaskDump = RealProcesses;

TEST_F(TaskDump, tells_what_each_task_waits_for_and_where) {
  with_daemon(kDump, [](Portal& frank) {
    const std::string text = frank.run(dump);
    EXPECT_TRUE(text.starts_with("tasks of " + to_string(frank.channel().peer) + ", process ")) << text;
    EXPECT_TRUE(contains(text, "\n  link#"));
    EXPECT_TRUE(contains(text, "\n    dump.dump#"));
    EXPECT_TRUE(contains(text, "      at tractor::test::(anonymous namespace)::dump()\n      popcorn#"));
    EXPECT_TRUE(contains(text,
                         " s\n        at tractor::sleep_forever()\n"
                         "        at tractor::test::(anonymous namespace)::wait_for_the_popcorn()\n"));
  });
}

TEST_F(TaskDump, outside_a_program_it_is_a_usage_error) {
  EXPECT_TRUE(contains(usage_error([] { return dump_tasks(); }), "outside a running program"));
}

TRACTOR_SCENARIO(waits) {
  return program->main([] {
    open_nursery([](ActorNursery& n) {
      Portal frank = n.start_actor("frank", kDump);
      open_task_nursery([&](TaskNursery& t) {
        t.start_soon([&] { frank.run(idle); });
        std::cout << frank.run(pid_of_the_idle) << std::endl;
        sleep_forever();
      });
    });
  });
}

TEST_F(TaskDump, SIGUSR1_writes_it_to_stderr_and_everything_goes_on) {
  Process root = Process::as("waits");
  ASSERT_TRUE(root.prints("\n"));
  const pid_t child = std::stoi(root.out());
  for (const std::string ends_with : {" waits for sleep_forever, for ", " waits for a call, for "}) {
    root.signal(SIGUSR1);
    EXPECT_TRUE(eventually([&] { return root.err().find(ends_with) != std::string::npos; })) << root.err();
  }
  EXPECT_TRUE(contains(root.err(), "tasks of root@"));
  kill(child, SIGUSR1);
  EXPECT_TRUE(eventually([&] { return root.err().find("dump.idle#") != std::string::npos; })) << root.err();
  EXPECT_TRUE(contains(root.err(), "tasks of frank@"));
  EXPECT_TRUE(eventually([&] { return root.err().find("::wait_for_the_popcorn()\n") != std::string::npos; }));
  EXPECT_TRUE(is_running(child));
  root.signal(SIGTERM);
  EXPECT_EQ(root.wait(), Exit{.code = 143});
}

#ifndef TRACTOR_TSAN                   // which holds signals back while nothing but the program's own code runs
volatile std::sig_atomic_t go_on = 1;  // not bool, which -fsanitize=bool of GCC 12 reads once, before the loop
[[gnu::noinline]] void compute() {
  while (go_on != 0) {
  }
}

TRACTOR_SCENARIO(is_stuck) {
  signal(SIGUSR2, [](int) { go_on = 0; });
  return program->main([] {
    std::cout << "computing" << std::endl;
    compute();
  });
}

TEST_F(TaskDump, SIGUSR1_tells_where_a_stuck_loop_is) {
  Process root = Process::as("is_stuck");
  ASSERT_TRUE(root.prints("computing"));
  root.signal(SIGUSR1);
  EXPECT_TRUE(eventually([&] { return root.err().find("::compute()\n") != std::string::npos; })) << root.err();
  EXPECT_TRUE(contains(root.err(), "a task keeps the loop busy"));
  root.signal(SIGUSR2);
  EXPECT_EQ(root.wait(), Exit{.code = 0});
}
#endif

TRACTOR_SCENARIO(has_a_handler) {
  signal(SIGUSR1, SIG_IGN);
  return program->main([] {
    std::cout << "ready" << std::endl;
    sleep_forever();
  });
}

TEST_F(TaskDump, a_program_that_uses_SIGUSR1_itself_is_left_alone) {
  Process root = Process::as("has_a_handler");
  ASSERT_TRUE(root.prints("ready"));
  root.signal(SIGUSR1);
  root.signal(SIGTERM);
  EXPECT_EQ(root.wait(), Exit{.code = 143});
  EXPECT_EQ(root.err().find("tasks of"), std::string::npos);
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
