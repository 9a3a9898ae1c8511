// What a supervisor does when a child has ended: Erlang/OTP's rules, without processes and without a clock.
//
// The supervisor (supervisor_core.h) owns it, tells it what happened and when, and does what it says: which children to
// stop, right to left; which to start, left to right, and when; or to give up. So every rule can be tested on made-up
// times. Children are known by their names, in the order in which they were added. Plain data, any thread.
//
// One thing OTP lacks: a pause before a restart that grows while a child fails again and again. Common mistake: pauses
// so long that `intensity` restarts never fall into one `period`; such a supervisor never gives up.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "runtime/task/clock.h"
#include "runtime/task/error.h"

namespace tractor {

// Who is restarted when one child has failed.
enum class Strategy {
  one_for_one,         // that one
  one_for_all,         // all: the others are stopped first
  rest_for_one,        // that one and those that were added after it
  simple_one_for_one,  // that one; children are of one kind, and are added while the supervisor runs
};

// Whether a child that has ended is started again.
enum class Restart {
  permanent,  // always
  transient,  // when it failed
  temporary,  // never; its specification goes with it
};

// Whether the supervisor ends when significant children have ended by themselves.
enum class AutoShutdown { never, any_significant, all_significant };

// The pause before a restart. The first one is at once; it counts as the first again when the child has run for a
// `period`.
struct Backoff {
  Clock::duration first = std::chrono::milliseconds(100);  // before the second restart in a row; zero: no pauses
  double factor = 2;                                       // by which each is longer than the one before
  Clock::duration longest = std::chrono::seconds(5);
  double jitter = 0.2;                     // each is up to that part of itself longer or shorter, by chance
  std::optional<std::uint64_t> seed = {};  // of the chance; for tests
};

struct SupervisorOptions {
  Strategy strategy = Strategy::one_for_one;
  int intensity = 1;                                 // that many restarts,
  Clock::duration period = std::chrono::seconds(5);  // in that time; one more and the supervisor fails
  AutoShutdown auto_shutdown = AutoShutdown::never;
  Backoff backoff = {};
};

class RestartPlan {
 public:
  struct Rule {
    std::string name = {};
    Restart restart = Restart::permanent;
    bool significant = false;
  };
  enum class State { stopped, running, restarting };
  enum class Exit { normal, abnormal };

  struct Decision {
    enum class Action {
      nothing,
      restart,    // stop these now, then ask take_due()
      shut_down,  // stop all: significant children have ended
      give_up,    // stop all: too many restarts
    };
    Action action = Action::nothing;
    std::vector<std::string> stop = {};  // right to left, one at a time
    Clock::duration pause = Clock::duration::zero();
  };

  // UsageError when a number makes no sense.
  explicit RestartPlan(SupervisorOptions options);

  const SupervisorOptions& options() const { return options_; }

  // --- children ---
  // Adds one, stopped, to the right of the others. UsageError when the name is taken, or the rule contradicts itself.
  void add(Rule rule);
  void remove(const std::string& name);
  bool has(const std::string& name) const;
  // UsageError when there is no such child.
  State state(const std::string& name) const;
  std::vector<std::string> names() const;  // left to right
  int specifications() const { return static_cast<int>(children_.size()); }
  // UsageError that says why not: OTP's errors of restart_child and delete_child.
  void check_can_restart(const std::string& name) const;
  void check_can_delete(const std::string& name) const;
  void check_can_terminate(const std::string& name) const;
  // Those that run, right to left: the order in which to stop them all.
  std::vector<std::string> stop_order() const;

  // --- what happens ---
  void started(const std::string& name, Clock::time_point now);
  // It ended by itself.
  Decision ended(const std::string& name, Exit exit, Clock::time_point now);
  // One that take_due() gave could not be started. Counts as a restart, and is tried again.
  Decision start_failed(const std::string& name, Clock::time_point now);
  // Someone asked for its end; a restart that was to come does not.
  void terminated(const std::string& name);

  // --- what is to be started ---
  // When; kNever: nothing waits for that.
  Clock::time_point next_start() const;
  // What is due, left to right; empty when nothing is. One failure's group at a time.
  std::vector<std::string> take_due(Clock::time_point now);

 private:
  struct Entry {
    Rule rule;
    State state = State::stopped;
    Clock::time_point started_at = {};
    int restarts_in_a_row = 0;
  };
  struct Group {
    Clock::time_point at;
    std::vector<std::string> who;
  };

  std::size_t index_of(const std::string& name) const;  // UsageError
  void check_not_simple(const char* what, const char* instead) const;
  Decision restart(const std::string& name, Clock::time_point now);
  bool intensity_exceeded(Clock::time_point now);
  Clock::duration pause_before(int restart);
  void forget_restart_of(const std::string& name);

  SupervisorOptions options_;
  std::mt19937_64 chance_;
  std::vector<Entry> children_;
  std::deque<Clock::time_point> restarts_;  // within the period
  std::vector<Group> waiting_;
};

}  // namespace tractor
