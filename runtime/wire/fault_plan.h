// Faults on purpose: what the environment variable TRACTOR_FAULT asks for, so that a program can be tested against what
// happens to it one day anyway.
//
//   TRACTOR_FAULT="seed=42 delay=0.1:20ms drop=0.01 duplicate=0.02 break=0.01 refuse=0.05 kill=0.001 stop=0.01:200ms"
//
// Each number is the probability that it happens to a message of a link as it is written; that of `refuse` to a link as
// it is opened. The same seed gives an actor of the same name the same decisions in the same order. Each fault is
// logged, as a warning, before it happens; a program without `seed` chooses one, and logs it. All actors of a tree
// follow the plan; its root is neither killed nor stopped.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "runtime/task/clock.h"

namespace tractor {

enum class Fault {
  none,
  delay,      // it is written later, and all that follows it
  drop,       // it is not written; the link breaks soon, as a connection that has lost something does
  duplicate,  // it is written twice
  break_off,  // the link breaks, and it is lost
  kill,       // this process is killed
  stop,       // this process is stopped, and goes on later
  refuse,     // the link is not taken
};
std::string_view name_of(Fault fault);

class FaultPlan {
 public:
  static constexpr const char* kVariable = "TRACTOR_FAULT";

  // UsageError that names what is wrong with it. A plan without a seed gets one.
  static FaultPlan parse(const std::string& text);
  // As it is parsed.
  std::string text() const;

  // For an actor of that name. `may_die`: not its tree's root.
  void begin(const std::string& actor, bool may_die);

  // What is to happen to the next message, or to the next link that is opened.
  Fault next_message();
  Fault next_link();
  Clock::duration delay() const { return delay_; }
  Clock::duration stop() const { return stop_; }

 private:
  double& probability(Fault fault) { return probabilities_.at(static_cast<std::size_t>(fault)); }

  std::uint64_t seed_ = 0;
  std::array<double, 8> probabilities_ = {};  // by fault
  Clock::duration delay_ = std::chrono::milliseconds(20);
  Clock::duration stop_ = std::chrono::milliseconds(200);
  std::mt19937_64 chance_;
  bool may_die_ = false;
};

// The plan of this process; null when there is none. Loop thread only.
FaultPlan* fault_plan();
// What TRACTOR_FAULT asks for, from now on. UsageError when it cannot be understood. A root's plan is passed on to its
// children through the environment.
void begin_faults(const std::string& actor, bool is_root);
void end_faults();

// Kills this process, or stops it for a while.
void suffer(Fault fault, const FaultPlan& plan);

}  // namespace tractor
