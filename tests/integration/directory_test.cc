// Copies of the registry: they follow it, and answer while it is away.
#include "arbiter_wire.h"
#include "trace.h"

namespace tractor::test {
namespace {

std::string id() { return current_actor().id(); }
void define(Program& p) { p.module("directory").def("id", id); }

const ActorOptions kWorker{.modules = {"directory"}, .labels = {{"zone", "a"}}};

class Copies : public RealProcesses {
 protected:
  Process arbiter(const std::string& socket) { return start_arbiter({"--listen", socket}); }
  // Runs `body` with a directory of what those arbiters know.
  void with_directory(const std::string& arbiters, const std::function<void(ActorNursery&, Directory&)>& body) {
    run({.name = "root", .arbiter = arbiters}, [&] {
      open_nursery([&](ActorNursery& n) {
        open_task_nursery([&](TaskNursery& tasks) {
          Directory directory(tasks);
          EXPECT_FALSE(directory.stale());
          body(n, directory);
        });
        n.cancel();
      });
    });
  }
  static bool comes_true(Directory& directory, const std::function<bool()>& predicate) {
    return !move_on_after(within(10s), [&] {
              while (!predicate()) directory.wait_for_change();
            }).cancelled_caught();
  }

  ScratchDirectory scratch_;
  const std::string first_ = "unix:" + scratch_ / "1.sock";
  const std::string second_ = "unix:" + scratch_ / "2.sock";
};

TEST_F(Copies, have_who_was_there_before_and_who_comes_and_lose_who_goes) {
  with_directory("", [](ActorNursery& n, Directory& directory) {
    EXPECT_TRUE(directory.find_actor("root"));
    EXPECT_FALSE(directory.find_actor("worker"));
    Portal worker = n.start_actor("worker", kWorker);
    ASSERT_TRUE(comes_true(directory, [&] { return directory.find_actor("worker").has_value(); }));
    EXPECT_EQ(directory.find_actor("worker")->run(id), worker.id());
    EXPECT_EQ(directory.find_actors("worker", {.labels = {{"zone", "a"}}}).size(), 1U);
    EXPECT_FALSE(directory.find_actor("worker", {.labels = {{"zone", "b"}}}));
    EXPECT_EQ(directory.list_actors().size(), 2U);
    worker.cancel_actor();
    EXPECT_TRUE(comes_true(directory, [&] { return !directory.find_actor("worker"); }));
  });
}

TEST_F(Copies, give_everyone_a_turn) {
  with_directory("", [](ActorNursery& n, Directory& directory) {
    std::set<std::string> all;
    for (int i = 0; i < 3; ++i) all.insert(n.start_actor("worker", kWorker).id());
    ASSERT_TRUE(comes_true(directory, [&] { return directory.find_actors("worker").size() == 3; }));
    for (const Pick pick : {Pick::round_robin, Pick::least_loaded}) {
      std::set<std::string> picked;
      for (int i = 0; i < 3; ++i) picked.insert(directory.find_actor("worker", {.pick = pick})->id());
      EXPECT_EQ(picked, all);
    }
  });
}

TEST_F(Copies, answer_as_before_while_the_arbiter_is_away_and_catch_up) {
  std::optional<Process> one = arbiter(first_);
  with_directory(first_, [&](ActorNursery& n, Directory& directory) {
    Portal gone = n.start_actor("gone", kWorker);
    ASSERT_TRUE(comes_true(directory, [&] { return directory.find_actor("gone").has_value(); }));
    one->signal(SIGKILL);
    one->wait();
    ASSERT_TRUE(comes_true(directory, [&] { return directory.stale(); }));
    EXPECT_EQ(directory.find_actor("gone")->run(id), gone.id());
    EXPECT_TRUE(directory.list_actors().front().stale);
    gone.cancel_actor();
    n.start_actor("new", kWorker);
    one.emplace(arbiter(first_));
    EXPECT_TRUE(comes_true(directory, [&] {
      return !directory.stale() && directory.find_actor("new") && directory.find_actor("root") &&
             !directory.find_actor("gone");
    }));
  });
}

TEST_F(Copies, go_on_at_the_next_arbiter) {
  Process one = arbiter(first_);
  Process two = arbiter(second_);
  with_directory(first_ + "," + second_, [&](ActorNursery&, Directory& directory) {
    one.signal(SIGKILL);
    one.wait();
    EXPECT_TRUE(comes_true(directory, [&] { return !directory.stale() && directory.find_actor("root"); }));
  });
}

TEST_F(Copies, are_of_the_next_arbiter_when_one_is_stopped) {
  Process one = arbiter(first_);
  Process two = arbiter(second_);
  one.signal(SIGSTOP);
  with_directory(first_ + "," + second_, [](ActorNursery& /*n*/, Directory& directory) {
    EXPECT_TRUE(comes_true(directory, [&] { return directory.find_actor("root").has_value(); }));
  });
  one.signal(SIGCONT);
}

TEST_F(Copies, that_are_not_whole_in_time_are_none) {
  Process process = arbiter(first_);
  run({.arbiter = first_}, [&] {
    process.signal(SIGSTOP);
    open_task_nursery([](TaskNursery& tasks) {
      EXPECT_TRUE(move_on_after(50ms, [&] { const Directory directory(tasks); }).cancelled_caught());
    });  // no task of it goes on
    process.signal(SIGCONT);
  });
}

TEST_F(Copies, end_with_their_object) {
  run([] {
    open_task_nursery([](TaskNursery& tasks) {
      Directory directory(tasks);
      EXPECT_TRUE(directory.find_actor("root"));
    });
  });
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
