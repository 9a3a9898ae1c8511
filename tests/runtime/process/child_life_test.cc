// A model check of supervision: every order of events that a child, its process and its parent can produce, to the last
// reachable state, against what must hold after each.
#include "runtime/process/child_life.h"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tractor {
namespace {

using Phase = ChildLife::Phase;
using Event = ChildLife::Event;
using Failure = ChildLife::Failure;
using Actions = ChildLife::Actions;

constexpr std::array kEvents = {Event::connected,    Event::hung_up,   Event::ready,      Event::failed,
                                Event::cancelled,    Event::condemned, Event::time_up,    Event::exited_well,
                                Event::exited_badly, Event::collected, Event::some_below, Event::none_below};

bool has_timer(Phase phase) {
  return phase == Phase::starting || phase == Phase::ending || phase == Phase::lost || phase == Phase::draining ||
         phase == Phase::below;
}

// The child, and the world around it: what can happen next, and what has been done to it.
struct World {
  enum class Stream { none, open, closed };
  ChildLife life;
  bool runs = true;  // its process
  Stream stream = Stream::none;
  bool killed = false;
  bool cancel_sent = false;
  bool wanted = false;  // somebody has asked for its end before it ended
  auto operator<=>(const World&) const = default;

  bool can(Event event) const {
    switch (event) {
      case Event::connected:
        return stream == Stream::none && life.phase() <= Phase::dead;
      case Event::hung_up:
      case Event::ready:
      case Event::failed:
        return stream == Stream::open;
      case Event::cancelled:
      case Event::condemned:
        return true;
      case Event::time_up:
        return has_timer(life.phase());
      case Event::exited_well:
      case Event::exited_badly:
        return runs;
      case Event::collected:
        return life.phase() == Phase::dead;
      case Event::some_below:
      case Event::none_below:
        return life.phase() == Phase::below || life.phase() == Phase::below_killed;
    }
    return false;
  }
};

using Step = std::function<Actions(ChildLife&, Event)>;

Actions as_it_is(ChildLife& life, Event event) { return life.step(event); }

// Takes the step, and says what was wrong with it.
std::optional<std::string> take(World& world, Event event, const Step& step) {
  const ChildLife before = world.life;
  if (event == Event::connected) world.stream = World::Stream::open;
  if (event == Event::hung_up) world.stream = World::Stream::closed;
  if (event == Event::exited_well || event == Event::exited_badly) world.runs = false;
  if ((event == Event::cancelled || event == Event::condemned) && world.runs) world.wanted = true;
  const Actions todo = step(world.life, event);
  const ChildLife& after = world.life;

  if (after.phase() < before.phase()) return "it went back to an earlier phase";
  if (before.failure() != Failure::none && after.failure() != before.failure()) return "its first failure was replaced";
  if (todo.send_cancel) {
    if (world.stream != World::Stream::open) return "a cancel was sent where nobody listens";
    if (world.cancel_sent) return "a second cancel was sent";
    world.cancel_sent = true;
  }
  if (todo.kill) {
    if (!world.runs) return "a process was killed that had ended: its number may be another's";
    world.killed = true;
  }
  if (todo.kill_below && after.phase() != Phase::below_killed) return "what is below was killed before its time";
  if (todo.abandon && world.stream != World::Stream::open) return "a stream was abandoned that was not open";
  if (after.exited() == world.runs) return "it is wrong about its process";
  if (after.phase() >= Phase::draining && world.runs) return "it was taken for dead while its process ran";
  if (after.phase() < Phase::draining && !world.runs) return "the end of its process went unnoticed";
  if (before.alive() && !after.alive() && after.phase() < Phase::killed && event != Event::hung_up && !todo.kill &&
      !todo.send_cancel && world.stream == World::Stream::open) {
    return "it is to end, and was neither asked nor killed";
  }
  const bool left_alive = before.alive() && after.alive() && world.wanted && world.runs;
  if (left_alive) return "somebody wanted its end, and nothing was done";
  if (after.phase() == Phase::dead && before.phase() != Phase::dead) {
    const bool failed = after.failure() != Failure::none;
    const bool badly = event == Event::exited_badly;
    if (!world.wanted && !failed) return "it ended unasked, and nobody is told";
    if (badly && !world.killed && !failed) return "it crashed, and nobody is told";
  }
  return std::nullopt;
}

// From here on only that happens which cannot fail to: timers, the kernel's kill, our own steps. What is wrong when it
// is not over then.
std::optional<std::string> come_to_an_end(World world, const Step& step) {
  for (int i = 0; i < 12; ++i) {
    const Phase phase = world.life.phase();
    if (phase == Phase::gone) return std::nullopt;
    Event next;
    if (phase == Phase::dead) {
      next = Event::collected;
    } else if (phase == Phase::below_killed) {
      next = Event::none_below;
    } else if (world.killed && world.runs) {
      next = Event::exited_badly;
    } else if (has_timer(phase)) {
      next = Event::time_up;
    } else if (phase == Phase::serving && !world.wanted && world.stream == World::Stream::open) {
      return std::nullopt;  // it need not
    } else {
      return "it may never end";
    }
    if (std::optional<std::string> wrong = take(world, next, step))
      return *wrong + ", at " + std::string(name_of(next));
  }
  return "it does not end";
}

struct Result {
  std::optional<std::string> violation;  // with the events that lead there
  std::size_t states = 0;
  std::size_t steps = 0;
  std::set<std::pair<Event, Event>> pairs;  // seen one right after the other
};

// Breadth first, until there is nothing new: so the first violation has the shortest way to it.
Result explore(const Step& step) {
  struct Way {
    std::optional<World> from;
    Event by = Event::ready;
  };
  Result result;
  std::map<World, Way> known = {{World{}, Way{}}};
  std::map<World, std::set<Event>> came_by;
  std::deque<World> open = {World{}};
  const auto way_to = [&](const World& world, Event last) {
    std::string text(name_of(last));
    for (World at = world; known.at(at).from; at = *known.at(at).from) {
      text = std::string(name_of(known.at(at).by)) + ", " + text;
    }
    return text;
  };
  while (!open.empty()) {
    const World world = open.front();
    open.pop_front();
    for (Event event : kEvents) {
      if (!world.can(event)) continue;
      ++result.steps;
      World next = world;
      std::optional<std::string> wrong = take(next, event, step);
      if (!wrong) wrong = come_to_an_end(next, step);
      if (wrong) {
        result.violation = *wrong + ": " + way_to(world, event);
        return result;
      }
      for (Event earlier : came_by[world]) result.pairs.emplace(earlier, event);
      const bool new_way = came_by[next].insert(event).second;
      if (known.emplace(next, Way{world, event}).second || new_way) open.push_back(next);
    }
  }
  result.states = known.size();
  return result;
}

TEST(ChildLife, every_order_of_events_keeps_the_rules_and_comes_to_an_end) {
  const Result result = explore(as_it_is);
  EXPECT_FALSE(result.violation) << *result.violation;
  std::cout << result.states << " states, " << result.steps << " steps, " << result.pairs.size()
            << " pairs of events\n";
  EXPECT_GT(result.states, 100U);
  // What cannot follow each other in any world. All others must have been seen.
  using enum Event;
  const std::set<std::pair<Event, Event>> impossible = {
      // A stream opens once, before it says something, and says nothing after its end.
      {connected, connected},
      {ready, connected},
      {failed, connected},
      {hung_up, connected},
      {hung_up, hung_up},
      {hung_up, ready},
      {hung_up, failed},
      // A process ends once.
      {exited_well, exited_well},
      {exited_well, exited_badly},
      {exited_badly, exited_well},
      {exited_badly, exited_badly},
      {collected, exited_well},
      {collected, exited_badly},
      {some_below, exited_well},
      {some_below, exited_badly},
      {none_below, exited_well},
      {none_below, exited_badly},
      // It is collected once, which comes between its end and the look at what is below it.
      {collected, collected},
      {some_below, collected},
      {none_below, collected},
      {collected, connected},
      {some_below, connected},
      {none_below, connected},
      {connected, some_below},
      {connected, none_below},
      {exited_well, some_below},
      {exited_well, none_below},
      {exited_badly, some_below},
      {exited_badly, none_below},
      {none_below, some_below},
      {none_below, none_below},
      {none_below, time_up}};
  for (Event first : kEvents) {
    for (Event second : kEvents) {
      if (impossible.contains({first, second})) continue;
      EXPECT_TRUE(result.pairs.contains({first, second})) << name_of(first) << ", then " << name_of(second);
    }
  }
}

// --- the check finds what is wrong ---

struct Fault {
  std::string name;
  Step step;
  std::string found_as;
};

TEST(ChildLife, the_check_finds_each_planted_fault) {
  const std::vector<Fault> faults = {
      {"it forgets to kill",
       [](ChildLife& life, Event event) {
         Actions todo = life.step(event);
         todo.kill = false;
         return todo;
       },
       "may never end"},
      {"it kills who has ended",
       [](ChildLife& life, Event event) {
         Actions todo = life.step(event);
         if (event == Event::exited_badly) todo.kill = true;
         return todo;
       },
       "its number may be another's"},
      {"it asks twice",
       [](ChildLife& life, Event event) {
         Actions todo = life.step(event);
         if (event == Event::cancelled && life.phase() == Phase::ending) todo.send_cancel = true;
         return todo;
       },
       "cancel was sent"},
      {"it misses the end of a process that was to end",
       [](ChildLife& life, Event event) {
         if (event == Event::exited_well && life.phase() == Phase::ending) return Actions{};
         return life.step(event);
       },
       "wrong about its process"},
      {"it takes every end for a wanted one",
       [](ChildLife& life, Event event) {
         if (event == Event::exited_badly) return life.step(Event::exited_well);
         return life.step(event);
       },
       "crashed, and nobody is told"},
      {"it misses that the child has hung up",
       [](ChildLife& life, Event event) {
         if (event == Event::hung_up && life.alive()) return Actions{};
         return life.step(event);
       },
       "where nobody listens"},
      {"it loses a cancel",
       [](ChildLife& life, Event event) {
         if (event == Event::cancelled && life.phase() == Phase::starting) return Actions{};
         return life.step(event);
       },
       "nothing was done"},
  };
  for (const Fault& fault : faults) {
    const Result result = explore(fault.step);
    ASSERT_TRUE(result.violation) << fault.name << ": not found";
    EXPECT_NE(result.violation->find(fault.found_as), std::string::npos) << fault.name << ": " << *result.violation;
  }
}

// --- what the check does not say: the exact answer ---

ChildLife after(std::initializer_list<Event> events) {
  ChildLife life;
  for (Event event : events) life.step(event);
  return life;
}

TEST(ChildLife, one_that_never_spoke_is_killed_at_once) {
  ChildLife life;
  EXPECT_EQ(life.step(Event::cancelled), (Actions{.kill = true}));
}

TEST(ChildLife, one_that_serves_is_asked_and_killed_when_its_budget_is_over) {
  ChildLife life = after({Event::connected, Event::ready});
  EXPECT_EQ(life.step(Event::cancelled), (Actions{.send_cancel = true}));
  EXPECT_EQ(life.step(Event::time_up), (Actions{.kill = true}));
  life.step(Event::exited_badly);
  EXPECT_EQ(life.phase(), Phase::draining);
  life.step(Event::hung_up);
  EXPECT_EQ(life.phase(), Phase::dead);
  EXPECT_EQ(life.failure(), Failure::none) << "that was our doing";
}

TEST(ChildLife, one_that_hangs_up_and_runs_on_is_killed_and_that_is_a_failure) {
  ChildLife life = after({Event::connected, Event::ready, Event::hung_up});
  EXPECT_EQ(life.phase(), Phase::lost);
  EXPECT_EQ(life.step(Event::time_up), (Actions{.kill = true}));
  life.step(Event::exited_badly);
  EXPECT_EQ(life.failure(), Failure::died);
}

TEST(ChildLife, status_0_is_a_failure_only_when_nobody_asked) {
  EXPECT_EQ(after({Event::connected, Event::ready, Event::exited_well, Event::hung_up}).failure(), Failure::died);
  EXPECT_EQ(after({Event::connected, Event::ready, Event::cancelled, Event::exited_well, Event::hung_up}).failure(),
            Failure::none);
}

TEST(ChildLife, what_it_said_last_comes_before_the_manner_of_its_death) {
  EXPECT_EQ(after({Event::connected, Event::ready, Event::exited_badly, Event::failed, Event::hung_up}).failure(),
            Failure::reported);
}

TEST(ChildLife, one_that_dies_before_it_serves_has_never_served) {
  EXPECT_EQ(after({Event::connected, Event::exited_badly, Event::ready, Event::hung_up}).failure(),
            Failure::never_served);
  EXPECT_EQ(after({Event::time_up}).failure(), Failure::start_timeout);
}

TEST(ChildLife, what_a_killed_child_leaves_below_is_killed_too_else_it_has_time) {
  ChildLife killed = after({Event::condemned, Event::exited_badly, Event::collected});
  EXPECT_EQ(killed.step(Event::some_below), (Actions{.kill_below = true}));
  ChildLife ended = after({Event::exited_badly, Event::collected});
  EXPECT_EQ(ended.step(Event::some_below), Actions{});
  EXPECT_EQ(ended.step(Event::time_up), (Actions{.kill_below = true}));
}

}  // namespace
}  // namespace tractor
