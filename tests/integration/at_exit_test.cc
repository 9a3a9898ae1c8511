// Callbacks at the end of an actor.
#include <fstream>

#include "harness.h"

namespace tractor::test {
namespace {

// Appends a line to a file, so that it is seen after the process has gone.
void note(const std::string& file, const std::string& line) { std::ofstream(file, std::ios::app) << line << '\n'; }

void note_at_exit(const std::string& file) {
  current_actor().at_exit([=] { note(file, "first"); });
  current_actor().at_exit([=] {
    sleep(10ms);  // it may wait
    note(file, "second");
  });
}
int end_well(const std::string& file) {
  note_at_exit(file);
  return 7;
}
void end_with_an_error(const std::string& file) {
  note_at_exit(file);
  throw std::runtime_error("no");
}
void end_when_cancelled(const std::string& file) {
  note_at_exit(file);
  sleep_forever();
}
void fail_at_exit(const std::string& file) {
  note_at_exit(file);
  current_actor().at_exit([] { throw std::runtime_error("in a callback"); });
}
void fail_when_cancelled(Yield<int>& yield) {
  try {
    for (int i = 0;; ++i) yield(i);
  } catch (const Cancelled&) {
    throw std::runtime_error("the light stayed on");
  }
}
std::string drop_a_stream_at_exit() {
  current_actor().at_exit([] {
    Stream<int> stream = generate(fail_when_cancelled);
    stream.next();
  });
  return "done";
}
void hang_at_exit(const std::string& file) {
  note_at_exit(file);
  current_actor().at_exit([=] {
    try {
      sleep_forever();
    } catch (...) {
      note(file, "cut short");
      throw;
    }
  });
}

void define(Program& program) {
  program.module("ending")
      .def("end_well", end_well)
      .def("end_with_an_error", end_with_an_error)
      .def("end_when_cancelled", end_when_cancelled)
      .def("drop_a_stream_at_exit", drop_a_stream_at_exit)
      .def("hang_at_exit", hang_at_exit);
}

class AtExit : public RealProcesses {
 protected:
  std::string noted() const {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  ScratchDirectory scratch;
  std::string file = scratch / "notes";
};

TEST_F(AtExit, runs_the_last_one_first_when_the_function_has_returned) {
  run([&] { open_nursery([&](ActorNursery& n) { EXPECT_EQ(n.run_in_actor("frank", end_well, file).result(), 7); }); });
  EXPECT_EQ(noted(), "second\nfirst\n");
}

TEST_F(AtExit, runs_after_an_error) {
  remote_error(
      [&] { run([&] { open_nursery([&](ActorNursery& n) { n.run_in_actor("frank", end_with_an_error, file); }); }); });
  EXPECT_EQ(noted(), "second\nfirst\n");
}

TEST_F(AtExit, runs_after_a_cancel) {
  run([&] {
    open_nursery([&](ActorNursery& n) {
      n.run_in_actor("frank", end_when_cancelled, file);
      Portal daemon = n.start_actor("daemon", {.modules = {"ending"}});
      daemon.run(end_well, file + "-of-daemon");
      sleep(100ms);
      n.cancel();
    });
  });
  EXPECT_EQ(noted(), "second\nfirst\n");
  std::ifstream of_daemon(file + "-of-daemon");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(of_daemon), {}), "second\nfirst\n");
}

TEST_F(AtExit, runs_in_the_root_too) {
  run([&] { note_at_exit(file); });
  EXPECT_THROW(run([&] { end_with_an_error(file); }), std::runtime_error);
  EXPECT_EQ(noted(), "second\nfirst\nsecond\nfirst\n");
}

TEST_F(AtExit, goes_on_after_one_that_throws) {
  run([&] { fail_at_exit(file); });
  EXPECT_EQ(noted(), "second\nfirst\n");
}

TEST_F(AtExit, what_a_stream_fails_with_that_a_callback_drops_goes_to_the_log) {
  run([&] {
    open_nursery([](ActorNursery& n) { EXPECT_EQ(n.run_in_actor("frank", drop_a_stream_at_exit).result(), "done"); });
  });
}

TEST_F(AtExit, has_the_budget_and_no_more) {
  run([&] {
    open_nursery([&](ActorNursery& n) {
      Portal daemon = n.start_actor("daemon", {.modules = {"ending"}, .budget = 1s * kSlowness});
      daemon.run(hang_at_exit, file);
      daemon.cancel_actor();
    });
  });
  EXPECT_TRUE(contains(noted(), "cut short\n"));
}

TEST_F(AtExit, is_refused_outside_a_program) {
  EXPECT_TRUE(contains(usage_error([] { current_actor().at_exit([] {}); }), "outside a running program"));
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
