// Supervisors over real processes. What they decide is tested on made-up times in tests/runtime/actor.
#include "work.h"

namespace tractor::test {
namespace {

// --- what the children do ---

// Grows with every start on this machine, so it tells who was started first.
std::int64_t incarnation() { return static_cast<std::int64_t>(current_actor().info().incarnation); }
std::string hi() { return "I am " + current_actor().name(); }
void return_at_once(const std::string& trace, const std::string& who) { note(trace, who + " returns"); }
void fail_after_note(const std::string& trace, const std::string& who) {
  note(trace, who + " fails");
  fail_with("the film is torn");
}
int add_up(int a, int b) {
  current_actor().statespace()["sum"] = a + b;
  sleep_forever();
}
void sleep_forever_in_child() { sleep_forever(); }
bool knows_sum() { return current_actor().statespace().contains("sum"); }
std::int64_t sum() { return Codec<std::int64_t>::decode(current_actor().statespace().at("sum")); }

const SupervisorOptions kPatient{.intensity = 100, .period = 10s, .backoff = {.first = 0ms}};
const ChildOptions kDaemon{.modules = {"kids", "work"}};

// A supervisor in a child: it has one leaf, which may be restarted once.
void inner(const std::string& trace) {
  const NoteAtEnd ends(trace, "inner ends");
  Supervisor supervisor;
  supervisor.add("leaf", kDaemon, until_cancelled, trace, "leaf");
  open_nursery(supervisor, [&] {
    note(trace, "inner begins");
    sleep_forever();
  });
}

// Children that start while TEST_FAIL_FROM is set: the first so many serve, the others do not; "hang": they take
// forever.
void start_badly() {
  const char* from = std::getenv("TEST_FAIL_FROM");
  const char* trace = std::getenv("TEST_STARTS");
  if (from == nullptr || trace == nullptr || std::getenv("TRACTOR_CHILD") == nullptr) return;
  note(trace, "starts");
  if (std::string(from) == "hang") std::this_thread::sleep_for(1h);
  if (Trace(trace).count("starts") >= std::stoi(from)) std::_Exit(3);
}

class Supervised : public TracedProcesses {
 protected:
  Supervised() { setenv("TEST_STARTS", starts_.path().c_str(), 1); }
  ~Supervised() override { unsetenv("TEST_FAIL_FROM"); }
  // "1": none serves from now on.
  static void fail_from(const char* which) { setenv("TEST_FAIL_FROM", which, 1); }
  static void all_serve() { unsetenv("TEST_FAIL_FROM"); }
  long starts() const { return starts_.count("starts"); }

  Trace starts_{scratch_ / "starts"};
};

SupervisedChild child_of(const Supervisor& supervisor, const std::string& name) {
  for (SupervisedChild& child : supervisor.which_children()) {
    if (child.name == name) return std::move(child);
  }
  throw std::runtime_error("no child " + name);
}
using State = RestartPlan::State;

// The process of a child's incarnation, which must be another one than `before`.
pid_t pid_of(Supervisor& supervisor, const std::string& name, pid_t before = -1) {
  EXPECT_TRUE(eventually([&] {
    const SupervisedChild child = child_of(supervisor, name);
    return child.state == State::running && child.pid != before;
  }));
  return child_of(supervisor, name).pid;
}
// Kills it and waits until the next incarnation serves.
void kill_and_wait(Supervisor& supervisor, const std::string& name) {
  const pid_t pid = pid_of(supervisor, name);
  kill(pid, SIGKILL);
  pid_of(supervisor, name, pid);
}
// Kills the process that was the nth to note that, when it has.
void kill_nth(const Trace& trace, const std::string& what, long nth) {
  EXPECT_TRUE(eventually([&] { return trace.count(what) == nth; })) << trace.text();
  for (const Trace::Line& line : trace.lines()) {
    if (line.what == what && --nth == 0) kill(line.pid, SIGKILL);
  }
}
std::vector<std::int64_t> incarnations(Supervisor& supervisor, const std::vector<std::string>& names) {
  std::vector<std::int64_t> all;
  for (const std::string& name : names) all.push_back(supervisor.portal(name).run(incarnation));
  return all;
}
std::exception_ptr nested_in(const SupervisorError& error) {
  try {
    std::rethrow_if_nested(error);
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}
// What open_nursery throws; with the nested failure's text.
std::pair<std::string, std::string> supervisor_error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const SupervisorError& error) {
    const std::exception_ptr nested = nested_in(error);
    return {error.what(), nested == nullptr ? "" : describe(nested)};
  }
  ADD_FAILURE() << "no SupervisorError";
  return {};
}

// --- restarts ---

TEST_F(Supervised, a_killed_permanent_child_is_started_again_and_found_by_its_name) {
  run([] {
    Supervisor supervisor;
    supervisor.add("frank", kDaemon);
    open_nursery(supervisor, [&] {
      Portal first = supervisor.portal("frank");
      EXPECT_EQ(first.run(hi), "I am frank");
      kill_and_wait(supervisor, "frank");
      Portal second = supervisor.portal("frank");
      EXPECT_EQ(second.run(hi), "I am frank");
      EXPECT_NE(first.id(), second.id());
      EXPECT_EQ(find_actor("frank")->id(), second.id());
      EXPECT_EQ(wait_for_actor("frank").run(hi), "I am frank");
      EXPECT_EQ(child_of(supervisor, "frank").restarts, 1);
      EXPECT_TRUE(contains(remote_error([&] { first.run(hi); }).what(), "signal 9"));
    });
    EXPECT_FALSE(supervisor.cancelled());
    EXPECT_FALSE(find_actor("frank"));
  });
}

TEST_F(Supervised, a_restart_concerns_no_sibling_of_a_one_for_one) {
  run([] {
    Supervisor supervisor(kPatient);
    supervisor.add("a", kDaemon).add("b", kDaemon);
    open_nursery(supervisor, [&] {
      const pid_t other = pid_of(supervisor, "b");
      kill_and_wait(supervisor, "a");
      kill_and_wait(supervisor, "a");
      EXPECT_EQ(pid_of(supervisor, "b"), other);
      EXPECT_EQ(supervisor.portal("b").run(ping), "pong");
    });
  });
}

TEST_F(Supervised, one_for_all_stops_the_others_right_to_left_and_starts_all_left_to_right) {
  run([this] {
    Supervisor supervisor({.strategy = Strategy::one_for_all});
    for (const char* name : {"a", "b", "c", "d"}) supervisor.add(name, kDaemon, until_cancelled, trace_.path(), name);
    open_nursery(supervisor, [&] {
      const std::vector<std::int64_t> before = incarnations(supervisor, {"a", "b", "c", "d"});
      EXPECT_TRUE(std::ranges::is_sorted(before));
      for (const char* name : {"a", "b", "c", "d"}) EXPECT_TRUE(trace_.comes(name + std::string(" begins")));
      kill_and_wait(supervisor, "b");
      const std::vector<std::int64_t> after = incarnations(supervisor, {"a", "b", "c", "d"});
      EXPECT_TRUE(std::ranges::is_sorted(after));
      EXPECT_GT(after.front(), before.back());
      EXPECT_LT(trace_.position("d ends"), trace_.position("c ends"));
      EXPECT_LT(trace_.position("c ends"), trace_.position("a ends"));
    });
  });
}

TEST_F(Supervised, rest_for_one_restarts_those_after_the_failed_one) {
  run([this] {
    Supervisor supervisor({.strategy = Strategy::rest_for_one});
    for (const char* name : {"a", "b", "c", "d"}) supervisor.add(name, kDaemon, until_cancelled, trace_.path(), name);
    open_nursery(supervisor, [&] {
      const std::vector<std::int64_t> before = incarnations(supervisor, {"a", "b", "c", "d"});
      for (const char* name : {"a", "b", "c", "d"}) EXPECT_TRUE(trace_.comes(name + std::string(" begins")));
      kill_and_wait(supervisor, "b");
      const std::vector<std::int64_t> after = incarnations(supervisor, {"a", "b", "c", "d"});
      EXPECT_EQ(after.front(), before.front());
      EXPECT_TRUE(std::ranges::is_sorted(after));
      EXPECT_GT(after[1], before.back());
      EXPECT_FALSE(trace_.has("a ends"));
      EXPECT_LT(trace_.position("d ends"), trace_.position("c ends"));
    });
  });
}

TEST_F(Supervised, portal_waits_while_the_child_is_being_restarted) {
  run([] {
    Supervisor supervisor({.intensity = 10, .backoff = {.first = 300ms, .jitter = 0}});
    supervisor.add("frank", kDaemon);
    open_nursery(supervisor, [&] {
      kill_and_wait(supervisor, "frank");
      const Clock::time_point killed = Clock::now();
      kill(pid_of(supervisor, "frank"), SIGKILL);
      EXPECT_TRUE(eventually([&] { return child_of(supervisor, "frank").state == State::restarting; }));
      EXPECT_EQ(supervisor.portal("frank").run(hi), "I am frank");
      EXPECT_GE(Clock::now() - killed, 300ms);
    });
  });
}

TEST_F(Supervised, too_many_restarts_end_the_supervisor_with_the_childs_last_failure) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("steady", kDaemon, until_cancelled, trace_.path(), "steady");
    supervisor.add("torn", {}, fail_after_note, trace_.path(), "torn");
    bool cancelled = false;
    const auto [what, nested] = supervisor_error_of([&] {
      open_nursery(supervisor, [&] {
        try {
          sleep_forever();
        } catch (const Cancelled&) {
          cancelled = true;
          throw;
        }
      });
    });
    EXPECT_TRUE(contains(what, "child \"torn\" failed") && contains(what, "more than 1 restart within 5s") &&
                contains(what, "the film is torn"));
    EXPECT_TRUE(contains(nested, "std::runtime_error in torn@") && contains(nested, "the film is torn"));
    EXPECT_TRUE(cancelled && supervisor.cancelled());
    EXPECT_EQ(trace_.count("torn fails"), 2);  // OTP's default: one restart in 5 s
    EXPECT_TRUE(child_pids().empty());
  });
}

TEST_F(Supervised, intensity_0_allows_no_restart_and_the_error_names_the_signal) {
  run([] {
    Supervisor supervisor({.intensity = 0});
    supervisor.add("frank", kDaemon);
    const auto [what, nested] = supervisor_error_of([&] {
      open_nursery(supervisor, [&] {
        kill(pid_of(supervisor, "frank"), SIGKILL);
        sleep_forever();
      });
    });
    EXPECT_TRUE(contains(what, "more than 0 restarts"));
    EXPECT_TRUE(contains(nested, "signal 9"));
  });
}

TEST_F(Supervised, a_transient_child_that_returns_is_not_started_again) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("once", {.restart = Restart::transient}, return_at_once, trace_.path(), "once");
    open_nursery(supervisor, [&] {
      EXPECT_TRUE(eventually([&] { return child_of(supervisor, "once").state == State::stopped; }));
      EXPECT_TRUE(contains(thrown<SupervisorError>([&] { supervisor.portal("once"); }).what(), "will not come back"));
      EXPECT_EQ(supervisor.restart_child("once").name(), "once");
    });
    EXPECT_TRUE(eventually([&] { return trace_.count("once returns") >= 1; }));
    EXPECT_LE(trace_.count("once returns"), 2);
  });
}

TEST_F(Supervised, a_transient_child_that_fails_is_started_again) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("torn", {.restart = Restart::transient}, fail_after_note, trace_.path(), "torn");
    supervisor_error_of([&] { open_nursery(supervisor, [] { sleep_forever(); }); });
    EXPECT_EQ(trace_.count("torn fails"), 2);
  });
}

TEST_F(Supervised, a_permanent_child_that_returns_is_started_again) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("again", {}, return_at_once, trace_.path(), "again");
    const auto [what, nested] = supervisor_error_of([&] { open_nursery(supervisor, [] { sleep_forever(); }); });
    EXPECT_TRUE(contains(what, "child \"again\" ended; that asks for more than 1 restart"));
    EXPECT_EQ(nested, "");
    EXPECT_EQ(trace_.count("again returns"), 2);
  });
}

TEST_F(Supervised, a_temporary_child_is_never_started_again) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("steady", kDaemon);
    supervisor.add("torn", {.restart = Restart::temporary}, fail_after_note, trace_.path(), "torn");
    open_nursery(supervisor, [&] {
      EXPECT_TRUE(eventually([&] { return supervisor.which_children().size() == 1; }));
      EXPECT_EQ(supervisor.portal("steady").run(ping), "pong");
      EXPECT_TRUE(contains(usage_error([&] { supervisor.portal("torn"); }), "no child \"torn\""));
    });
    EXPECT_EQ(trace_.count("torn fails"), 1);
  });
}

TEST_F(Supervised, being_cancelled_by_someone_is_a_normal_end) {
  run([] {
    Supervisor supervisor;
    supervisor.add("permanent", kDaemon);
    supervisor.add("transient", {.restart = Restart::transient, .modules = {"work"}});
    open_nursery(supervisor, [&] {
      const pid_t pid = pid_of(supervisor, "permanent");
      supervisor.portal("permanent").cancel_actor();
      find_actor("transient")->cancel_actor();
      EXPECT_NE(pid_of(supervisor, "permanent", pid), pid);
      EXPECT_TRUE(eventually([&] { return child_of(supervisor, "transient").state == State::stopped; }));
    });
  });
}

// --- the end ---

TEST_F(Supervised, children_are_stopped_right_to_left_one_after_the_other) {
  run([this] {
    Supervisor supervisor;
    for (const char* name : {"a", "b", "c"})
      supervisor.add(name, kDaemon, finish_work, trace_.path(), name, std::chrono::milliseconds(50));
    EXPECT_EQ(open_nursery(supervisor,
                           [&] {
                             for (const char* name : {"a", "b", "c"}) trace_.comes(name + std::string(" begins"));
                             return 42;
                           }),
              42);
    EXPECT_LT(trace_.position("c has finished"), trace_.position("b is told"));
    EXPECT_LT(trace_.position("b has finished"), trace_.position("a is told"));
    EXPECT_TRUE(trace_.has("a ends"));
    EXPECT_TRUE(child_pids().empty());
  });
}

TEST_F(Supervised, a_brutal_kill_gives_no_time_and_a_budget_gives_that_much) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("slow", {.shutdown = 300ms}, finish_work, trace_.path(), "slow",
                   std::chrono::milliseconds(3600'000));
    supervisor.add("brutal", {.shutdown = kBrutalKill}, finish_work, trace_.path(), "brutal",
                   std::chrono::milliseconds(3600'000));
    Clock::time_point ended;
    open_nursery(supervisor, [&] {
      EXPECT_TRUE(trace_.comes("slow begins") && trace_.comes("brutal begins"));
      ended = Clock::now();
    });
    EXPECT_GE(Clock::now() - ended, 300ms);
    EXPECT_LT(Clock::now() - ended, within(1s));
    EXPECT_TRUE(trace_.has("slow is told"));
    EXPECT_FALSE(trace_.has("brutal is told"));
    EXPECT_FALSE(trace_.has("slow has finished"));
  });
}

TEST_F(Supervised, a_child_may_have_all_the_time_it_needs) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("slow", {.shutdown = kUntilItEnds}, finish_work, trace_.path(), "slow",
                   std::chrono::milliseconds(300));
    open_nursery(supervisor, [&] { EXPECT_TRUE(trace_.comes("slow begins")); });
    EXPECT_TRUE(trace_.has("slow has finished") && trace_.has("slow ends"));
  });
}

TEST_F(Supervised, a_failing_body_stops_the_children_and_is_thrown) {
  run([this] {
    Supervisor supervisor;
    for (const char* name : {"a", "b"}) supervisor.add(name, kDaemon, until_cancelled, trace_.path(), name);
    EXPECT_THROW(open_nursery(supervisor,
                              [&] {
                                EXPECT_TRUE(trace_.comes("a begins") && trace_.comes("b begins"));
                                throw std::out_of_range("the body");
                              }),
                 std::out_of_range);
    EXPECT_LT(trace_.position("b ends"), trace_.position("a ends"));
    EXPECT_TRUE(trace_.has("a ends"));
  });
}

TEST_F(Supervised, cancelling_the_opener_stops_the_children_right_to_left) {
  run([this] {
    Supervisor supervisor;
    for (const char* name : {"a", "b"}) supervisor.add(name, kDaemon, until_cancelled, trace_.path(), name);
    CancelScope scope;
    scope.run([&] {
      open_nursery(supervisor, [&] {
        EXPECT_TRUE(trace_.comes("a begins") && trace_.comes("b begins"));
        scope.cancel();
        sleep_forever();
      });
    });
    EXPECT_TRUE(scope.cancelled_caught() && supervisor.cancelled());
    EXPECT_LT(trace_.position("b ends"), trace_.position("a ends"));
    EXPECT_TRUE(child_pids().empty());
  });
}

TEST_F(Supervised, cancelling_during_the_pause_before_a_restart_ends_it_at_once) {
  run([] {
    Supervisor supervisor({.intensity = 10, .backoff = {.first = 1h, .longest = 1h}});
    supervisor.add("a", kDaemon).add("b", kDaemon);
    const CancelScope scope = move_on_after(30s, [&] {
      open_nursery(supervisor, [&] {
        kill_and_wait(supervisor, "a");
        kill(pid_of(supervisor, "a"), SIGKILL);
        EXPECT_TRUE(eventually([&] { return child_of(supervisor, "a").state == State::restarting; }));
        supervisor.cancel();
        sleep_forever();
      });
    });
    EXPECT_FALSE(scope.cancelled_caught());
    EXPECT_TRUE(child_pids().empty());
  });
}

TEST_F(Supervised, cancelling_while_a_restart_hangs_ends_it_at_once) {
  run([this] {
    Supervisor supervisor(kPatient);
    supervisor.add("a", kDaemon).add("b", kDaemon);
    Clock::time_point cancelled;
    const CancelScope scope = move_on_after(30s, [&] {
      open_nursery(supervisor, [&] {
        fail_from("hang");
        kill(pid_of(supervisor, "a"), SIGKILL);
        EXPECT_TRUE(eventually([&] { return starts() > 0; }));
        cancelled = Clock::now();
        supervisor.cancel();
        sleep_forever();
      });
    });
    EXPECT_FALSE(scope.cancelled_caught());
    EXPECT_LT(Clock::now() - cancelled, within(2s));
    EXPECT_TRUE(child_pids().empty());
  });
}

// --- children that cannot be started ---

TEST_F(Supervised, a_child_that_cannot_be_started_at_first_ends_those_before_it_in_reverse_order) {
  run([this] {
    Supervisor supervisor;
    for (const char* name : {"a", "b", "c", "d"}) supervisor.add(name, kDaemon, until_cancelled, trace_.path(), name);
    fail_from("3");
    bool body_ran = false;
    const RemoteActorError error = remote_error([&] { open_nursery(supervisor, [&] { body_ran = true; }); });
    EXPECT_FALSE(body_ran);
    EXPECT_TRUE(contains(error.what(), "actor \"c\"") && contains(error.what(), "status 3 before it served"));
    EXPECT_EQ(starts(), 3);
    // Either may have been stopped before its function began.
    EXPECT_EQ(trace_.has("a begins"), trace_.has("a ends"));
    EXPECT_EQ(trace_.has("b begins"), trace_.has("b ends"));
    EXPECT_LE(trace_.has("a ends") ? trace_.position("b ends") * trace_.has("b ends") : 0, trace_.position("a ends"));
    EXPECT_TRUE(child_pids().empty());
  });
}

TEST_F(Supervised, a_restart_that_fails_is_tried_again_and_counts_as_one) {
  run([this] {
    Supervisor supervisor({.intensity = 3, .backoff = {.first = 0ms}});
    supervisor.add("a", kDaemon).add("b", kDaemon);
    const auto [what, nested] = supervisor_error_of([&] {
      open_nursery(supervisor, [&] {
        fail_from("1");
        kill(pid_of(supervisor, "a"), SIGKILL);
        sleep_forever();
      });
    });
    EXPECT_EQ(starts(), 3);
    EXPECT_TRUE(contains(what, "child \"a\"") && contains(what, "more than 3 restarts"));
    EXPECT_TRUE(contains(nested, "status 3 before it served"));
  });
}

TEST_F(Supervised, a_child_comes_back_when_a_later_try_starts_it) {
  run([this] {
    Supervisor supervisor(
        {.strategy = Strategy::rest_for_one, .intensity = 50, .backoff = {.first = 20ms, .factor = 1}});
    supervisor.add("a", kDaemon).add("b", kDaemon);
    open_nursery(supervisor, [&] {
      fail_from("1");
      kill(pid_of(supervisor, "a"), SIGKILL);
      EXPECT_TRUE(eventually([&] { return starts() >= 3; }));
      all_serve();
      EXPECT_EQ(supervisor.portal("a").run(hi), "I am a");
      EXPECT_EQ(supervisor.portal("b").run(hi), "I am b");
      const std::vector<std::int64_t> now = incarnations(supervisor, {"a", "b"});
      EXPECT_LT(now[0], now[1]);
    });
  });
}

// --- supervisors of supervisors ---

TEST_F(Supervised, a_supervisor_in_a_child_restarts_its_own_children_and_is_restarted_when_it_gives_up) {
  run([this] {
    Supervisor outer;
    outer.add("inner", {.type = ChildType::supervisor}, inner, trace_.path());
    open_nursery(outer, [&] {
      const pid_t inner_pid = pid_of(outer, "inner");
      kill_nth(trace_, "leaf begins", 1);
      EXPECT_TRUE(eventually([&] { return trace_.count("leaf begins") == 2; }));
      EXPECT_EQ(pid_of(outer, "inner"), inner_pid);
      kill_nth(trace_, "leaf begins", 2);  // the second in 5 s: inner gives up, and fails
      EXPECT_NE(pid_of(outer, "inner", inner_pid), inner_pid);
      EXPECT_TRUE(eventually([&] { return trace_.count("leaf begins") == 3; }));
      EXPECT_TRUE(eventually([&] { return trace_.count("inner begins") == 2; }));
    });
    EXPECT_EQ(trace_.count("leaf ends"), 1);
    EXPECT_EQ(trace_.count("inner ends"), 2);
    EXPECT_LT(trace_.position("leaf ends"), trace_.lines().size() - 1);  // before inner, which ends last
    EXPECT_EQ(trace_.lines().back().what, "inner ends");
  });
}

TEST_F(Supervised, a_supervisor_that_gives_up_in_a_child_fails_it_with_the_whole_story) {
  run([this] {
    Supervisor outer({.intensity = 0});
    outer.add("inner", {.type = ChildType::supervisor}, inner, trace_.path());
    const auto [what, nested] = supervisor_error_of([&] {
      open_nursery(outer, [&] {
        for (long nth : {1, 2}) kill_nth(trace_, "leaf begins", nth);
        sleep_forever();
      });
    });
    EXPECT_TRUE(contains(what, "child \"inner\" failed") && contains(what, "child \"leaf\" failed") &&
                contains(what, "signal 9"));
    EXPECT_TRUE(contains(nested, "tractor::SupervisorError in inner@"));
  });
}

// --- children that come and go at run time ---

TEST_F(Supervised, children_are_added_terminated_restarted_and_deleted_at_run_time) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("a", kDaemon);
    open_nursery(supervisor, [&] {
      EXPECT_EQ(supervisor.start_child("b", kDaemon).run(hi), "I am b");
      supervisor.start_child("c", {.type = ChildType::supervisor}, until_cancelled, trace_.path(), "c");
      EXPECT_EQ(supervisor.count_children(), (ChildCounts{.specs = 3, .active = 3, .supervisors = 1, .workers = 2}));
      EXPECT_TRUE(contains(usage_error([&] { supervisor.start_child("b", kDaemon); }), "\"b\" already, which runs"));
      EXPECT_TRUE(contains(usage_error([&] { supervisor.restart_child("b"); }), "is running"));
      EXPECT_TRUE(contains(usage_error([&] { supervisor.delete_child("b"); }), "terminate_child() it first"));

      const pid_t pid = pid_of(supervisor, "b");
      supervisor.terminate_child("b");
      EXPECT_EQ(process_state(pid), "");
      EXPECT_EQ(supervisor.count_children(), (ChildCounts{.specs = 3, .active = 2, .supervisors = 1, .workers = 2}));
      EXPECT_EQ(child_of(supervisor, "b").state, State::stopped);
      supervisor.terminate_child("b");  // nothing to do
      EXPECT_TRUE(contains(usage_error([&] { supervisor.start_child("b", kDaemon); }), "restart_child() it"));
      EXPECT_EQ(supervisor.restart_child("b").run(hi), "I am b");
      supervisor.terminate_child("b");
      supervisor.delete_child("b");
      EXPECT_EQ(supervisor.which_children().size(), 2);
      for (const char* call : {"terminate", "restart", "delete", "portal"}) {
        EXPECT_TRUE(contains(usage_error([&] {
                               if (call == std::string("terminate")) supervisor.terminate_child("b");
                               if (call == std::string("restart")) supervisor.restart_child("b");
                               if (call == std::string("delete")) supervisor.delete_child("b");
                               if (call == std::string("portal")) supervisor.portal("b");
                             }),
                             "no child \"b\""))
            << call;
      }
    });
  });
}

TEST_F(Supervised, a_child_that_start_child_cannot_start_is_not_added) {
  run([this] {
    Supervisor supervisor;
    supervisor.add("a", kDaemon);
    open_nursery(supervisor, [&] {
      EXPECT_TRUE(contains(usage_error([&] { supervisor.start_child("b", {.modules = {"nowhere"}}); }), "nowhere"));
      fail_from("1");
      EXPECT_TRUE(contains(remote_error([&] { supervisor.start_child("b", kDaemon); }).what(), "before it served"));
      EXPECT_EQ(supervisor.which_children().size(), 1);
      supervisor.terminate_child("a");
      EXPECT_TRUE(contains(remote_error([&] { supervisor.restart_child("a"); }).what(), "before it served"));
      EXPECT_EQ(child_of(supervisor, "a").state, State::stopped);
      all_serve();
      EXPECT_EQ(supervisor.restart_child("a").run(hi), "I am a");
    });
  });
}

TEST_F(Supervised, the_children_of_a_simple_one_for_one_are_of_one_kind_and_come_and_go) {
  run([] {
    Supervisor supervisor({.strategy = Strategy::simple_one_for_one});
    supervisor.add("sleeper", kDaemon, sleep_forever_in_child);
    EXPECT_TRUE(contains(usage_error([&] { supervisor.add("other", kDaemon); }), "of one kind"));
    open_nursery(supervisor, [&] {
      EXPECT_TRUE(supervisor.which_children().empty());
      EXPECT_EQ(supervisor.count_children(), (ChildCounts{.specs = 1}));
      EXPECT_TRUE(contains(thrown<CallError>([&] { supervisor.start_child("one", 3); }).what(), "kids.sleep_forever"));
      EXPECT_TRUE(
          contains(usage_error([&] { supervisor.start_child("one", kDaemon); }), "all of the kind \"sleeper\""));
      supervisor.start_child("one");
      supervisor.start_child("two");
      EXPECT_TRUE(contains(usage_error([&] { supervisor.start_child("two"); }), "already"));
      EXPECT_EQ(supervisor.count_children(), (ChildCounts{.specs = 1, .active = 2, .workers = 2}));
      kill_and_wait(supervisor, "one");
      supervisor.terminate_child("two");
      EXPECT_EQ(supervisor.which_children().size(), 1);
      EXPECT_TRUE(contains(usage_error([&] { supervisor.delete_child("one"); }), "simple_one_for_one"));
      EXPECT_TRUE(contains(usage_error([&] { supervisor.restart_child("one"); }), "simple_one_for_one"));
    });
    EXPECT_TRUE(child_pids().empty());
  });
}

TEST_F(Supervised, the_arguments_of_start_child_come_after_those_of_the_kind) {
  run([] {
    Supervisor supervisor({.strategy = Strategy::simple_one_for_one, .intensity = 2});
    supervisor.add("adder", {.modules = {"kids"}}, add_up, 40);
    open_nursery(supervisor, [&] {
      supervisor.start_child("two", 2);
      supervisor.start_child("three", 3);
      EXPECT_TRUE(contains(thrown<CallError>([&] { supervisor.start_child("none"); }).what(), "kids.add_up"));
      kill_and_wait(supervisor, "two");
      const auto sum_of = [&](const char* name) {
        EXPECT_TRUE(eventually([&] { return supervisor.portal(name).run(knows_sum); }));
        return supervisor.portal(name).run(sum);
      };
      EXPECT_EQ(sum_of("two"), 42);
      EXPECT_EQ(sum_of("three"), 43);
    });
  });
}

// --- significant children ---

TEST_F(Supervised, the_end_of_a_significant_child_ends_the_supervisor_without_an_error) {
  run([this] {
    Supervisor supervisor({.auto_shutdown = AutoShutdown::any_significant});
    supervisor.add("steady", kDaemon, until_cancelled, trace_.path(), "steady");
    supervisor.add("main", {.restart = Restart::transient, .significant = true}, return_at_once, trace_.path(), "main");
    open_nursery(supervisor, [] { sleep_forever(); });
    EXPECT_TRUE(supervisor.shut_down() && supervisor.cancelled());
    EXPECT_TRUE(child_pids().empty());

    Supervisor another({.auto_shutdown = AutoShutdown::all_significant});
    another.add("main", {.restart = Restart::temporary, .significant = true}, return_at_once, trace_.path(), "main");
    EXPECT_THROW(open_nursery(another, []() -> int { sleep_forever(); }), NurseryCancelled);
  });
}

// --- bad input ---

TEST_F(Supervised, misuse_is_a_usage_error_that_says_the_way_out) {
  run([] {
    Supervisor empty;
    EXPECT_TRUE(contains(usage_error([&] { open_nursery(empty, [] {}); }), "no children: add() one first"));
    Supervisor kindless({.strategy = Strategy::simple_one_for_one});
    EXPECT_TRUE(contains(usage_error([&] { open_nursery(kindless, [] {}); }), "no kind of child"));
    EXPECT_TRUE(contains(usage_error([] { Supervisor({.intensity = -1}); }), "intensity"));
    EXPECT_TRUE(contains(usage_error([] { Supervisor({.period = -1s}); }), "period"));

    Supervisor supervisor;
    supervisor.add("a", kDaemon);
    EXPECT_TRUE(contains(usage_error([&] { supervisor.add("a", kDaemon); }), "has a child \"a\" already"));
    EXPECT_TRUE(contains(usage_error([&] { supervisor.add("b", {.shutdown = -1s}); }), "child \"b\""));
    EXPECT_TRUE(contains(usage_error([&] { supervisor.add("b", {.significant = true}); }), "significant"));
    EXPECT_TRUE(contains(usage_error([&] { supervisor.portal("a"); }), "not open"));
    EXPECT_TRUE(contains(usage_error([&] { supervisor.terminate_child("a"); }), "not open"));
    open_nursery(supervisor, [&] {
      EXPECT_TRUE(contains(usage_error([&] { supervisor.add("b", kDaemon); }), "start_child()"));
      EXPECT_TRUE(contains(usage_error([&] { supervisor.start_child("b"); }), "simple_one_for_one"));
    });
    EXPECT_TRUE(contains(usage_error([&] { open_nursery(supervisor, [] {}); }), "one block in its life"));
    EXPECT_TRUE(contains(usage_error([&] { supervisor.terminate_child("a"); }), "has ended"));
    EXPECT_TRUE(contains(thrown<SupervisorError>([&] { supervisor.portal("a"); }).what(), "has ended"));

    Supervisor wrong;
    wrong.add("a", kDaemon).add("b", {.modules = {"nowhere"}});
    EXPECT_TRUE(contains(usage_error([&] { open_nursery(wrong, [] {}); }), "no module \"nowhere\""));
    EXPECT_TRUE(child_pids().empty());
  });
}

void define(Program& p) {
  start_badly();
  define_work(p);
  p.module("kids")
      .def("incarnation", incarnation)
      .def("hi", hi)
      .def("return_at_once", return_at_once)
      .def("fail_after_note", fail_after_note)
      .def("add_up", add_up)
      .def("sum", sum)
      .def("knows_sum", knows_sum)
      .def("sleep_forever", sleep_forever_in_child)
      .def("inner", inner);
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
