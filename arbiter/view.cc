#include "arbiter/view.h"

#include <algorithm>

namespace tractor::arbiter {
namespace {

// For how long a pick counts as a call: until the actor's next report of those.
constexpr Clock::duration kPickCounts = std::chrono::seconds(1);

bool has_labels(const ActorInfo& actor, const std::map<std::string, std::string>& labels) {
  return std::ranges::all_of(labels, [&](const auto& wanted) {
    const auto label = actor.labels.find(wanted.first);
    return label != actor.labels.end() && label->second == wanted.second;
  });
}

}  // namespace

std::uint32_t View::Entry::load(Clock::time_point now) const {
  return calls + (now - picked_at < kPickCounts ? picks : 0);
}

void View::apply(const std::vector<Change>& changes, std::uint64_t revision) {
  for (const Change& change : changes) {
    if (change.added != nullptr) {
      insert(change);
      log(revision, change.actor_namespace, change.added, true);
    } else if (Actor gone = erase(change.actor_namespace, change.removed_id); gone != nullptr) {
      log(revision, change.actor_namespace, std::move(gone), false);
    }
  }
  if (!log_.empty() && log_.back().revision == revision) log_.back().resume = revision;
  revision_ = revision;
}

void View::reset(const std::vector<Change>& actors, std::uint64_t revision) {
  spaces_.clear();
  log_begin_ = log_end() + 1;  // whoever follows the log has missed something
  log_.clear();
  for (const Change& change : actors) insert(change);
  revision_ = forgotten_ = revision;
}

void View::insert(const Change& change) {
  erase(change.actor_namespace, change.added->id);
  Namespace& space = spaces_[change.actor_namespace];
  const auto [entry, inserted] = space.by_name[change.added->name].newest_first.emplace(
      Age{change.added->incarnation, change.added->id}, Entry{change.added, change.holder});
  space.by_id.emplace(change.added->id, &entry->second);
}

View::Actor View::erase(std::string_view actor_namespace, std::string_view id) {
  const auto space = spaces_.find(actor_namespace);
  if (space == spaces_.end()) return nullptr;
  const auto known = space->second.by_id.find(id);
  if (known == space->second.by_id.end()) return nullptr;
  Actor actor = known->second->actor;  // keys are views of it
  space->second.by_id.erase(known);
  const auto instances = space->second.by_name.find(actor->name);
  instances->second.newest_first.erase(Age{actor->incarnation, actor->id});
  if (instances->second.newest_first.empty()) space->second.by_name.erase(instances);
  if (space->second.by_id.empty()) spaces_.erase(space);
  return actor;
}

void View::log(std::uint64_t revision, const std::string& actor_namespace, Actor actor, bool added) {
  log_.push_back({revision, revision_, actor_namespace, std::move(actor), added, std::chrono::steady_clock::now()});
  while (log_.size() > log_capacity_) {
    forgotten_ = log_.front().revision;
    log_.pop_front();
    ++log_begin_;
  }
}

void View::set_load(const std::string& actor_namespace, const std::string& id, std::uint32_t calls_in_flight) {
  const auto space = spaces_.find(actor_namespace);
  if (space == spaces_.end()) return;
  const auto entry = space->second.by_id.find(id);
  if (entry == space->second.by_id.end()) return;
  entry->second->calls = calls_in_flight;
  entry->second->picks = 0;
}

const View::Namespace* View::space(std::string_view actor_namespace) const {
  const auto space = spaces_.find(actor_namespace);
  return space == spaces_.end() ? nullptr : &space->second;
}

std::vector<View::Found> View::find(std::string_view actor_namespace, std::string_view name,
                                    const std::map<std::string, std::string>& labels) const {
  std::vector<Found> found;
  const Namespace* known = space(actor_namespace);
  if (known == nullptr) return found;
  const auto instances = known->by_name.find(name);
  if (instances == known->by_name.end()) return found;
  for (const auto& [age, entry] : instances->second.newest_first) {
    if (has_labels(*entry.actor, labels)) found.push_back({entry.actor, entry.calls});
  }
  return found;
}

std::optional<View::Found> View::pick(std::string_view actor_namespace, std::string_view name,
                                      const FindOptions& options, Clock::time_point now) {
  const auto space = spaces_.find(actor_namespace);
  if (space == spaces_.end()) return std::nullopt;
  const auto instances = space->second.by_name.find(name);
  if (instances == space->second.by_name.end()) return std::nullopt;
  std::vector<Entry*> entries = matching(instances->second, options.labels);
  if (entries.empty()) return std::nullopt;
  Entry* picked = entries.front();
  switch (options.pick) {
    case Pick::newest:
      break;
    case Pick::random:
      picked = entries[std::uniform_int_distribution<std::size_t>(0, entries.size() - 1)(random_)];
      break;
    case Pick::least_loaded: {
      const auto by_load = [now](const Entry* a, const Entry* b) { return a->load(now) < b->load(now); };
      const std::uint32_t least = (*std::ranges::min_element(entries, by_load))->load(now);
      std::erase_if(entries, [&](const Entry* entry) { return entry->load(now) != least; });
      picked = next_turn(instances->second, entries);
      break;
    }
    case Pick::round_robin:
      picked = next_turn(instances->second, entries);
      break;
  }
  if (now - picked->picked_at >= kPickCounts) {
    picked->picks = 0;
    picked->picked_at = now;
  }
  ++picked->picks;
  return Found{picked->actor, picked->calls};
}

std::vector<View::Entry*> View::matching(Instances& instances, const std::map<std::string, std::string>& labels) {
  std::vector<Entry*> entries;
  for (auto& [age, entry] : instances.newest_first) {
    if (has_labels(*entry.actor, labels)) entries.push_back(&entry);
  }
  return entries;
}

// By id, so that who comes or goes in between costs nobody else a turn.
View::Entry* View::next_turn(Instances& instances, const std::vector<Entry*>& entries) {
  Entry* first = nullptr;
  Entry* next = nullptr;
  for (Entry* entry : entries) {
    if (first == nullptr || entry->actor->id < first->actor->id) first = entry;
    if (entry->actor->id > instances.last_turn && (next == nullptr || entry->actor->id < next->actor->id)) next = entry;
  }
  if (next == nullptr) next = first;
  instances.last_turn = next->actor->id;
  return next;
}

std::vector<View::Found> View::list(std::string_view actor_namespace) const {
  std::vector<Found> all;
  const Namespace* known = space(actor_namespace);
  if (known == nullptr) return all;
  all.reserve(known->by_id.size());
  for (const auto& [name, instances] : known->by_name) {
    for (const auto& [age, entry] : instances.newest_first) all.push_back({entry.actor, entry.calls});
  }
  return all;
}

std::optional<View::Registered> View::by_id(std::string_view actor_namespace, std::string_view id) const {
  const Namespace* known = space(actor_namespace);
  if (known == nullptr) return std::nullopt;
  const auto entry = known->by_id.find(id);
  if (entry == known->by_id.end()) return std::nullopt;
  return Registered{entry->second->actor, entry->second->holder};
}

std::vector<View::Change> View::all() const {
  std::vector<Change> all;
  for (const auto& [name, space] : spaces_) {
    for (const auto& [id, entry] : space.by_id) {
      all.push_back({.actor_namespace = name, .added = entry->actor, .removed_id = {}, .holder = entry->holder});
    }
  }
  return all;
}

std::size_t View::size() const {
  std::size_t size = 0;
  for (const auto& [name, space] : spaces_) size += space.by_id.size();
  return size;
}

std::optional<std::uint64_t> View::position_after(std::uint64_t revision) const {
  if (revision < forgotten_ || revision > revision_) return std::nullopt;
  const auto next = std::ranges::upper_bound(log_, revision, {}, &Event::revision);
  return log_begin_ + static_cast<std::uint64_t>(next - log_.begin());
}

}  // namespace tractor::arbiter
