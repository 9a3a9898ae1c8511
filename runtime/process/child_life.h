// The life of a child actor as its parent supervises it: what is to be done when something happens.
//
// Pure logic: no process, no clock, no wire. Child (child.h) tells it each event and does at once what it answers; the
// model check (child_life_test.cc) tells it every event in every order that the world allows. Not thread-safe.
//
//   starting -> serving -> lost -> ending -> killed -> draining -> dead -> below -> below_killed -> gone
// Phases are skipped, and never return.
#pragma once

#include <string_view>

namespace tractor {

class ChildLife {
 public:
  enum class Phase {
    starting,      // it runs, and does not serve yet; a timer limits that
    serving,       // for as long as it likes
    lost,          // it has hung up and still runs: it takes us for dead, and ends itself before the timer, if it can
    ending,        // somebody wants its end, or it has failed; a timer is its budget
    killed,        // the kernel ends it
    draining,      // it has ended; a timer limits the reading of its last messages
    dead,          // to be collected
    below,         // collected; waits for what it has left running below it; a timer
    below_killed,  // the kernel ends that
    gone,
  };
  enum class Event {
    connected,     // its supervision stream has opened
    hung_up,       // and has ended
    ready,         // it serves
    failed,        // it says that it, or its function, has failed
    cancelled,     // somebody wants its end: its nursery, a portal, the child itself
    condemned,     // the same, with no time left to it
    time_up,       // the timer of this phase
    exited_well,   // its process has ended: with status 0
    exited_badly,  // with another, or by a signal
    collected,     // its process is reaped, nothing is registered any more
    some_below,    // processes that it has started still run
    none_below,    // none does
  };
  // Why its nursery fails; the first reason stays.
  enum class Failure {
    none,
    reported,       // it said so
    never_served,   // its process ended before it served
    start_timeout,  // it did not serve in time
    died,           // its process ended, and nobody had asked for that
  };
  // To be done at once, in this order. Whenever the phase has changed, its timer starts anew.
  struct Actions {
    bool send_cancel = false;  // with its budget, by its supervision stream
    bool kill = false;         // its process group, and those known below it
    bool kill_below = false;   // what still runs of those
    bool abandon = false;      // the stream: nobody is at its other end
    bool operator==(const Actions&) const = default;
  };

  // An event that makes no sense any more (one that serves after its end) changes nothing.
  Actions step(Event event);

  Phase phase() const { return phase_; }
  Failure failure() const { return failure_; }
  // Whether it is not known to be dead, nor on its way out.
  bool alive() const { return phase_ <= Phase::serving; }
  bool exited() const { return exited_; }
  // Whether it was told to end, or to be ended, before it did.
  bool asked() const { return asked_; }
  auto operator<=>(const ChildLife&) const = default;

 private:
  enum class Stream { none, open, closed };

  Actions end(bool at_once);
  Actions kill();
  void exit(bool well);
  void die();
  void fail(Failure why);

  Phase phase_ = Phase::starting;
  Failure failure_ = Failure::none;
  Stream stream_ = Stream::none;
  bool served_ = false;
  bool asked_ = false;
  bool killed_ = false;
  bool exited_ = false;
  bool exited_well_ = false;
};

std::string_view name_of(ChildLife::Phase phase);
std::string_view name_of(ChildLife::Event event);

}  // namespace tractor
