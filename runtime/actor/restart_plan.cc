#include "runtime/actor/restart_plan.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/wire/duration_text.h"

namespace tractor {
namespace {

constexpr int kMaxIntensity = 1'000'000;
constexpr Clock::duration kMaxPeriod = std::chrono::hours(24 * 365);

SupervisorOptions checked(SupervisorOptions options) {
  if (options.intensity < 0 || options.intensity > kMaxIntensity) {
    throw UsageError(absl::StrCat("SupervisorOptions.intensity is a number of restarts from 0 (none) to ",
                                  kMaxIntensity, ", not ", options.intensity));
  }
  if (options.period <= Clock::duration::zero() || options.period > kMaxPeriod) {
    throw UsageError(
        absl::StrCat("SupervisorOptions.period, in which `intensity` restarts are allowed, is longer than "
                     "nothing and at most a year, not ",
                     duration_text(options.period)));
  }
  const Backoff& backoff = options.backoff;
  if (backoff.first < Clock::duration::zero() || backoff.longest < backoff.first || backoff.longest > kMaxPeriod) {
    throw UsageError(
        absl::StrCat("SupervisorOptions.backoff: `first` is not negative and `longest` is no shorter, at "
                     "most a year; got ",
                     duration_text(backoff.first), " and ", duration_text(backoff.longest)));
  }
  if (!(backoff.factor >= 1) || !std::isfinite(backoff.factor)) {
    throw UsageError(
        absl::StrCat("SupervisorOptions.backoff.factor is 1 (all pauses are alike) or more, not ", backoff.factor));
  }
  if (!(backoff.jitter >= 0 && backoff.jitter <= 1)) {
    throw UsageError(
        absl::StrCat("SupervisorOptions.backoff.jitter is a part from 0 (none) to 1, not ", backoff.jitter));
  }
  return options;
}

}  // namespace

RestartPlan::RestartPlan(SupervisorOptions options)
    : options_(checked(std::move(options))),
      chance_(options_.backoff.seed ? *options_.backoff.seed : std::random_device()()) {}

// --- children ---

void RestartPlan::add(Rule rule) {
  if (rule.significant && rule.restart == Restart::permanent) {
    throw UsageError(absl::StrCat("child \"", rule.name,
                                  "\" is permanent, so it never ends by itself for good and cannot be significant: "
                                  "make it transient or temporary"));
  }
  if (rule.significant && options_.auto_shutdown == AutoShutdown::never) {
    throw UsageError(absl::StrCat("child \"", rule.name,
                                  "\" is significant, but its supervisor never shuts itself down: set "
                                  "SupervisorOptions.auto_shutdown"));
  }
  if (has(rule.name)) {
    const bool here = state(rule.name) != State::stopped;
    throw UsageError(absl::StrCat(
        "this supervisor has a child \"", rule.name, "\" already",
        here
            ? ", which runs: give the other one another name"
            : ", which does not run: give the other one another name, restart_child() it, or delete_child() it first"));
  }
  children_.push_back({.rule = std::move(rule)});
}

void RestartPlan::remove(const std::string& name) {
  forget_restart_of(name);
  std::erase_if(children_, [&](const Entry& child) { return child.rule.name == name; });
}

bool RestartPlan::has(const std::string& name) const {
  return std::ranges::any_of(children_, [&](const Entry& child) { return child.rule.name == name; });
}

std::size_t RestartPlan::index_of(const std::string& name) const {
  const auto found = std::ranges::find_if(children_, [&](const Entry& child) { return child.rule.name == name; });
  if (found != children_.end()) return static_cast<std::size_t>(found - children_.begin());
  throw UsageError(absl::StrCat("this supervisor has no child \"", name, "\"; which_children() tells those it has"));
}

RestartPlan::State RestartPlan::state(const std::string& name) const { return children_[index_of(name)].state; }

std::vector<std::string> RestartPlan::names() const {
  std::vector<std::string> names;
  for (const Entry& child : children_) names.push_back(child.rule.name);
  return names;
}

void RestartPlan::check_not_simple(const char* what, const char* instead) const {
  if (options_.strategy != Strategy::simple_one_for_one) return;
  throw UsageError(absl::StrCat(what,
                                ": the children of a simple_one_for_one supervisor have no specification of "
                                "their own; ",
                                instead));
}

void RestartPlan::check_can_restart(const std::string& name) const {
  check_not_simple("restart_child", "start_child() starts another one");
  const State now = state(name);
  if (now == State::stopped) return;
  throw UsageError(absl::StrCat("restart_child: child \"", name, "\" is ",
                                now == State::running ? "running: terminate_child() it first"
                                                      : "being restarted already: portal() waits for it"));
}

void RestartPlan::check_can_delete(const std::string& name) const {
  check_not_simple("delete_child", "terminate_child() ends one for good");
  const State now = state(name);
  if (now == State::stopped) return;
  throw UsageError(absl::StrCat("delete_child: child \"", name, "\" is ",
                                now == State::running ? "running" : "being restarted", ": terminate_child() it first"));
}

void RestartPlan::check_can_terminate(const std::string& name) const { index_of(name); }

std::vector<std::string> RestartPlan::stop_order() const {
  std::vector<std::string> order;
  for (const Entry& child : children_) {
    if (child.state == State::running) order.push_back(child.rule.name);
  }
  std::ranges::reverse(order);
  return order;
}

// --- what happens ---

void RestartPlan::started(const std::string& name, Clock::time_point now) {
  Entry& child = children_[index_of(name)];
  child.state = State::running;
  child.started_at = now;
}

RestartPlan::Decision RestartPlan::ended(const std::string& name, Exit exit, Clock::time_point now) {
  Entry& child = children_[index_of(name)];
  const Rule rule = child.rule;
  child.state = State::stopped;
  if (now - child.started_at >= options_.period) child.restarts_in_a_row = 0;
  if (rule.restart == Restart::permanent || (rule.restart == Restart::transient && exit == Exit::abnormal)) {
    return restart(name, now);
  }
  if (rule.restart == Restart::temporary || options_.strategy == Strategy::simple_one_for_one) remove(name);
  if (!rule.significant) return {};
  if (options_.auto_shutdown == AutoShutdown::all_significant && std::ranges::any_of(children_, [](const Entry& other) {
        return other.rule.significant && other.state != State::stopped;
      })) {
    return {};
  }
  return {.action = Decision::Action::shut_down};
}

RestartPlan::Decision RestartPlan::start_failed(const std::string& name, Clock::time_point now) {
  children_[index_of(name)].state = State::stopped;
  return restart(name, now);
}

void RestartPlan::terminated(const std::string& name) {
  forget_restart_of(name);
  Entry& child = children_[index_of(name)];
  child.state = State::stopped;
  if (child.rule.restart == Restart::temporary || options_.strategy == Strategy::simple_one_for_one) remove(name);
}

// As OTP does, it starts also those of a group that were stopped already, by terminate_child or by their normal end.
RestartPlan::Decision RestartPlan::restart(const std::string& name, Clock::time_point now) {
  if (intensity_exceeded(now)) return {.action = Decision::Action::give_up};

  const std::size_t failed = index_of(name);
  std::size_t first = failed;
  std::size_t end = failed + 1;
  if (options_.strategy == Strategy::one_for_all) first = 0;
  if (options_.strategy == Strategy::one_for_all || options_.strategy == Strategy::rest_for_one) end = children_.size();

  Decision decision{.action = Decision::Action::restart, .pause = pause_before(++children_[failed].restarts_in_a_row)};
  Group group{.at = now + decision.pause, .who = {}};
  std::vector<std::string> forgotten;
  for (std::size_t i = first; i < end; ++i) {
    Entry& child = children_[i];
    if (child.state == State::running) decision.stop.push_back(child.rule.name);
    if (child.rule.restart == Restart::temporary) {
      forgotten.push_back(child.rule.name);
      continue;
    }
    for (const Group& other : waiting_) {  // it was to be started with others, perhaps later
      if (std::ranges::find(other.who, child.rule.name) != other.who.end()) group.at = std::max(group.at, other.at);
    }
    forget_restart_of(child.rule.name);
    child.state = State::restarting;
    group.who.push_back(child.rule.name);
  }
  for (const std::string& gone : forgotten) remove(gone);
  std::ranges::reverse(decision.stop);
  waiting_.push_back(std::move(group));
  return decision;
}

// OTP counts the restarts of the last `period`, this one with them, its ends included.
bool RestartPlan::intensity_exceeded(Clock::time_point now) {
  while (!restarts_.empty() && restarts_.front() + options_.period < now) restarts_.pop_front();
  restarts_.push_back(now);
  return restarts_.size() > static_cast<std::size_t>(options_.intensity);
}

Clock::duration RestartPlan::pause_before(int restart) {
  if (restart <= 1) return Clock::duration::zero();
  const Backoff& backoff = options_.backoff;
  const double longest = static_cast<double>(backoff.longest.count());
  const double pause = std::min(
      longest, static_cast<double>(backoff.first.count()) * std::min(std::pow(backoff.factor, restart - 2), 1e18));
  const double from_0_to_1 = static_cast<double>(chance_() >> 11) * 0x1p-53;
  return Clock::duration(static_cast<Clock::rep>(pause * (1 + backoff.jitter * (2 * from_0_to_1 - 1))));
}

void RestartPlan::forget_restart_of(const std::string& name) {
  for (Group& group : waiting_) std::erase(group.who, name);
  std::erase_if(waiting_, [](const Group& group) { return group.who.empty(); });
}

// --- what is to be started ---

Clock::time_point RestartPlan::next_start() const {
  Clock::time_point next = Clock::kNever;
  for (const Group& group : waiting_) next = std::min(next, group.at);
  return next;
}

std::vector<std::string> RestartPlan::take_due(Clock::time_point now) {
  const auto first = std::ranges::min_element(waiting_, {}, &Group::at);
  if (first == waiting_.end() || first->at > now) return {};
  std::vector<std::string> who = std::move(first->who);
  waiting_.erase(first);
  return who;
}

}  // namespace tractor
