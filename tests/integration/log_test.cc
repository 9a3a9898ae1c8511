// What actors write to the log, and how much of it.
#include "harness.h"

namespace tractor::test {
namespace {

void say(const std::string& what) {
  log::info(what);
  log::debug("not that much");
}
void define(Program& p) { p.module("logs").def("say", say); }

// The argument: the level that the root chooses while it runs.
TRACTOR_SCENARIO(talks) {
  return program->main([&] {
    if (!arguments.empty()) log::to_console(log::parse_level(arguments[0]));
    open_nursery([](ActorNursery& n) {
      n.start_actor("child", {.modules = {"logs"}}).run(say, "said in a child");
      n.cancel();
    });
  });
}

using Log = RealProcesses;

TEST_F(Log, children_have_the_level_that_their_parent_has_when_they_start_and_lines_name_actor_and_task) {
  Process quiet = Process::as("talks");
  EXPECT_EQ(quiet.wait(), Exit{.code = 0});
  EXPECT_EQ(quiet.err(), "");
  for (const char* environment : {"TRACTOR_LOG=error", "TRACTOR_LOG=trace"}) {
    Process talks = Process::as("talks", {"info"}, {environment});
    EXPECT_EQ(talks.wait(), Exit{.code = 0});
    std::istringstream lines(talks.err());
    std::string line;
    while (std::getline(lines, line) && !line.ends_with("said in a child")) {
    }
    EXPECT_TRUE(contains(line, " info child@") && contains(line, " [logs.say#")) << talks.err();
    EXPECT_FALSE(contains(talks.err(), "not that much"));
  }
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
