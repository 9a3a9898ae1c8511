#include "runtime/wire/fault_plan.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "runtime/log.h"
#include "runtime/task/error.h"
#include "runtime/wire/duration_text.h"

namespace tractor {
namespace {

constexpr std::array<absl::string_view, 8> kNames = {"none",  "delay", "drop", "duplicate",
                                                     "break", "kill",  "stop", "refuse"};
constexpr Fault kOfMessages[] = {Fault::delay,     Fault::drop, Fault::duplicate,
                                 Fault::break_off, Fault::kill, Fault::stop};

std::optional<FaultPlan>& plan() {
  static std::optional<FaultPlan> plan;
  return plan;
}

[[noreturn]] void not_understood(absl::string_view part, absl::string_view why) {
  throw UsageError(
      absl::StrCat(FaultPlan::kVariable, ": \"", part, "\": ", why,
                   "; an example: \"seed=42 delay=0.1:20ms drop=0.01 duplicate=0.02 break=0.01 refuse=0.05 "
                   "kill=0.001 stop=0.01:200ms\""));
}

Clock::duration parse_time(absl::string_view part, absl::string_view text) {
  absl::Duration time;
  if (!absl::ParseDuration(text, &time) || time < absl::ZeroDuration() || time > absl::Minutes(1))
    not_understood(part, "its time is from 0s to 1m");
  return absl::ToChronoNanoseconds(time);
}

}  // namespace

std::string_view name_of(Fault fault) {
  const absl::string_view name = kNames.at(static_cast<std::size_t>(fault));
  return {name.data(), name.size()};
}

FaultPlan FaultPlan::parse(const std::string& text) {
  FaultPlan plan;
  plan.seed_ = std::random_device()();
  double of_messages = 0;
  for (absl::string_view part : absl::StrSplit(text, absl::ByAnyChar(" ,"), absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> setting = absl::StrSplit(part, absl::MaxSplits('=', 1));
    const auto& [name, value] = setting;
    if (name == "seed") {
      if (!absl::SimpleAtoi(value, &plan.seed_)) not_understood(part, "a seed is a whole number");
      continue;
    }
    const auto known = std::find(kNames.begin() + 1, kNames.end(), name);
    if (known == kNames.end())
      not_understood(part, "the faults are delay, drop, duplicate, break, refuse, kill and stop");
    const auto fault = static_cast<Fault>(known - kNames.begin());
    const std::pair<absl::string_view, absl::string_view> amount = absl::StrSplit(value, absl::MaxSplits(':', 1));
    double& probability = plan.probability(fault);
    if (!absl::SimpleAtod(amount.first, &probability) || !(probability >= 0 && probability <= 1))
      not_understood(part, "a probability is from 0 to 1");
    if (fault != Fault::refuse) of_messages += probability;
    if (amount.second.empty()) continue;
    if (fault != Fault::delay && fault != Fault::stop) not_understood(part, "only delay and stop take a time");
    (fault == Fault::delay ? plan.delay_ : plan.stop_) = parse_time(part, amount.second);
  }
  if (of_messages > 1) not_understood(text, "the probabilities of what happens to a message add up to more than 1");
  return plan;
}

std::string FaultPlan::text() const {
  std::string text = absl::StrCat("seed=", seed_);
  for (std::size_t i = 1; i < kNames.size(); ++i) {
    if (probabilities_[i] == 0) continue;
    absl::StrAppend(&text, " ", kNames[i], "=", probabilities_[i]);
    const auto fault = static_cast<Fault>(i);
    if (fault == Fault::delay) absl::StrAppend(&text, ":", duration_text(delay_));
    if (fault == Fault::stop) absl::StrAppend(&text, ":", duration_text(stop_));
  }
  return text;
}

void FaultPlan::begin(const std::string& actor, bool may_die) {
  std::vector<std::uint32_t> seeds = {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)};
  for (char c : actor) seeds.push_back(static_cast<unsigned char>(c));
  std::seed_seq sequence(seeds.begin(), seeds.end());
  chance_.seed(sequence);
  may_die_ = may_die;
}

Fault FaultPlan::next_message() {
  double at = std::uniform_real_distribution<double>()(chance_);
  for (Fault fault : kOfMessages) {
    at -= probability(fault);
    if (at >= 0) continue;
    return (fault == Fault::kill || fault == Fault::stop) && !may_die_ ? Fault::none : fault;
  }
  return Fault::none;
}

Fault FaultPlan::next_link() {
  return std::uniform_real_distribution<double>()(chance_) < probability(Fault::refuse) ? Fault::refuse : Fault::none;
}

FaultPlan* fault_plan() { return plan() ? &*plan() : nullptr; }

void begin_faults(const std::string& actor, bool is_root) {
  const char* text = std::getenv(FaultPlan::kVariable);
  if (text == nullptr || *text == '\0') return;
  plan() = FaultPlan::parse(text);
  plan()->begin(actor, !is_root);
  if (!is_root) return;
  setenv(FaultPlan::kVariable, plan()->text().c_str(), 1);
  log::warning(absl::StrCat("faults on purpose: ", FaultPlan::kVariable, "=\"", plan()->text(), "\""));
}

void end_faults() { plan().reset(); }

void suffer(Fault fault, const FaultPlan& plan) {
  if (fault == Fault::kill) kill(getpid(), SIGKILL);
  if (fault != Fault::stop) return;
  // The kernel sends SIGCONT at its time also to a process that is stopped.
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGCONT;
  timer_t timer{};
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot make a timer");
  const auto nanoseconds = plan.stop().count();
  itimerspec time{};
  time.it_value = {.tv_sec = static_cast<time_t>(nanoseconds / 1'000'000'000), .tv_nsec = nanoseconds % 1'000'000'000};
  if (nanoseconds > 0) {
    timer_settime(timer, 0, &time, nullptr);
    raise(SIGSTOP);  // this thread's: the timer is not deleted before it has stopped
  }
  timer_delete(timer);
}

}  // namespace tractor
