#include "runtime/process/child_life.h"

#include <array>
#include <cstddef>

namespace tractor {

ChildLife::Actions ChildLife::step(Event event) {
  switch (event) {
    case Event::connected:
      if (stream_ != Stream::none) return {};
      stream_ = Stream::open;
      return {.abandon = exited_};
    case Event::hung_up:
      if (stream_ != Stream::open) return {};
      stream_ = Stream::closed;
      if (alive()) phase_ = Phase::lost;
      if (phase_ == Phase::draining) die();
      return {};
    case Event::ready:
      if (phase_ != Phase::starting) return {};
      phase_ = Phase::serving;
      served_ = true;
      return {};
    case Event::failed:
      if (phase_ >= Phase::dead) return {};
      fail(Failure::reported);
      return alive() ? end(false) : Actions{};
    case Event::cancelled:
      return alive() || phase_ == Phase::lost ? end(false) : Actions{};
    case Event::condemned:
      return end(true);
    case Event::time_up:
      switch (phase_) {
        case Phase::starting:
          fail(Failure::start_timeout);
          return end(false);
        case Phase::ending:
        case Phase::lost:
          return kill();
        case Phase::draining:
          die();
          return {.abandon = true};
        case Phase::below:
          phase_ = Phase::below_killed;
          return {.kill_below = true};
        default:
          return {};
      }
    case Event::exited_well:
    case Event::exited_badly:
      exit(event == Event::exited_well);
      return {};
    case Event::collected:
      if (phase_ == Phase::dead) phase_ = killed_ ? Phase::below_killed : Phase::below;
      return {};
    case Event::some_below:
      return {.kill_below = phase_ == Phase::below_killed};
    case Event::none_below:
      if (phase_ == Phase::below || phase_ == Phase::below_killed) phase_ = Phase::gone;
      return {};
  }
  return {};
}

// One that has never opened its stream cannot be asked.
ChildLife::Actions ChildLife::end(bool at_once) {
  if (phase_ >= Phase::killed) return {};
  asked_ = true;
  if (at_once || stream_ == Stream::none) return kill();
  phase_ = Phase::ending;
  return {.send_cancel = stream_ == Stream::open};
}

ChildLife::Actions ChildLife::kill() {
  killed_ = true;
  phase_ = Phase::killed;
  return {.kill = true};
}

void ChildLife::exit(bool well) {
  if (exited_) return;
  exited_ = true;
  exited_well_ = well;
  if (!served_ && !asked_) fail(Failure::never_served);
  phase_ = Phase::draining;
  if (stream_ != Stream::open) die();
}

// All that it had to say is known: whether this is the end that somebody wanted.
void ChildLife::die() {
  phase_ = Phase::dead;
  const bool as_asked = asked_ && (killed_ || exited_well_);
  if (!as_asked) fail(Failure::died);
}

void ChildLife::fail(Failure why) {
  if (failure_ == Failure::none) failure_ = why;
}

std::string_view name_of(ChildLife::Phase phase) {
  constexpr std::array<std::string_view, 10> kNames = {"starting", "serving", "lost",  "ending",       "killed",
                                                       "draining", "dead",    "below", "below_killed", "gone"};
  return kNames.at(static_cast<std::size_t>(phase));
}

std::string_view name_of(ChildLife::Event event) {
  constexpr std::array<std::string_view, 12> kNames = {"connected",    "hung_up",   "ready",      "failed",
                                                       "cancelled",    "condemned", "time_up",    "exited_well",
                                                       "exited_badly", "collected", "some_below", "none_below"};
  return kNames.at(static_cast<std::size_t>(event));
}

}  // namespace tractor
