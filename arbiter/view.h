// What an arbiter knows: which actors there are, and the last changes of that. Pure logic, no wire; loop thread only.
//
// Actors live in namespaces that know nothing of each other. Names need not be unique in one, ids are. Every change has
// a revision, and revisions only grow; changes that belong together (all actors of a lost connection) have one. The log
// of changes is bounded: who follows it more slowly than it turns over has to start again from a snapshot.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "arbiter/find_options.h"
#include "runtime/task/clock.h"
#include "runtime/wire/actor_info.h"

namespace tractor::arbiter {

class View {
 public:
  // Whoever keeps an actor registered; the store knows who that is.
  using Holder = std::uint64_t;
  using Actor = std::shared_ptr<const ActorInfo>;

  // About 1 MB with the actors it keeps.
  static constexpr std::size_t kLogCapacity = 4096;
  explicit View(std::size_t log_capacity = kLogCapacity) : log_capacity_(log_capacity) {}

  // --- changing it: by the store ---
  struct Change {
    std::string actor_namespace;
    Actor added;             // null: removed; replaces what has its id
    std::string removed_id;  // of no effect where nobody has it
    Holder holder = 0;
  };
  // `revision` is larger than revision(), unless nothing of it is a change.
  void apply(const std::vector<Change>& changes, std::uint64_t revision);
  // Forgets everything, the log too: what is applied next is a snapshot, of which no change is told.
  void reset(const std::vector<Change>& actors, std::uint64_t revision);
  // How many calls it serves. No change in the sense of the log.
  void set_load(const std::string& actor_namespace, const std::string& id, std::uint32_t calls_in_flight);

  // --- asking it ---
  struct Found {
    Actor actor;
    std::uint32_t calls_in_flight;
  };
  // All of that name with all these labels, newest first.
  std::vector<Found> find(std::string_view actor_namespace, std::string_view name,
                          const std::map<std::string, std::string>& labels = {}) const;
  // One of them. A pick counts as a call in flight for a second, so that a crowd does not run to the same actor.
  std::optional<Found> pick(std::string_view actor_namespace, std::string_view name, const FindOptions& options,
                            Clock::time_point now);
  // By name, newest first.
  std::vector<Found> list(std::string_view actor_namespace) const;
  struct Registered {
    Actor actor;
    Holder holder;
  };
  std::optional<Registered> by_id(std::string_view actor_namespace, std::string_view id) const;
  std::vector<Change> all() const;
  std::size_t size() const;

  // --- following it ---
  std::uint64_t revision() const { return revision_; }
  struct Event {
    std::uint64_t revision;
    std::uint64_t resume;  // who has seen it has seen everything up to here: less, within changes that belong together
    std::string actor_namespace;
    Actor actor;
    bool added;
    std::chrono::steady_clock::time_point at;  // when this process knew of it
  };
  // A position in the log is that of the next event to see; positions only grow.
  std::uint64_t log_begin() const { return log_begin_; }
  std::uint64_t log_end() const { return log_begin_ + log_.size(); }
  const Event& event(std::uint64_t position) const { return log_[position - log_begin_]; }
  // Behind all events up to that revision; empty when some after it are not in the log any more, or it has not come
  // yet.
  std::optional<std::uint64_t> position_after(std::uint64_t revision) const;

 private:
  struct Entry {
    Actor actor;
    Holder holder = 0;
    std::uint32_t calls = 0;
    std::uint32_t picks = 0;  // since picked_at
    Clock::time_point picked_at = {};

    std::uint32_t load(Clock::time_point now) const;
  };
  struct Age {
    std::uint64_t incarnation;
    std::string_view id;  // of the entry's actor
    bool operator<(const Age& other) const {
      return incarnation != other.incarnation ? incarnation > other.incarnation : id < other.id;
    }
  };
  struct Instances {
    std::map<Age, Entry> newest_first;
    std::string last_turn;  // round robin: the id of who had it
  };
  struct Namespace {
    std::map<std::string, Instances, std::less<>> by_name;
    std::map<std::string_view, Entry*> by_id;
  };

  const Namespace* space(std::string_view actor_namespace) const;
  void insert(const Change& change);
  Actor erase(std::string_view actor_namespace, std::string_view id);
  void log(std::uint64_t revision, const std::string& actor_namespace, Actor actor, bool added);
  static std::vector<Entry*> matching(Instances& instances, const std::map<std::string, std::string>& labels);
  static Entry* next_turn(Instances& instances, const std::vector<Entry*>& entries);

  std::map<std::string, Namespace, std::less<>> spaces_;
  std::size_t log_capacity_;
  std::deque<Event> log_;
  std::uint64_t log_begin_ = 0;
  std::uint64_t forgotten_ = 0;  // the log tells all changes after this revision
  std::uint64_t revision_ = 0;
  std::minstd_rand random_{std::random_device()()};
};

}  // namespace tractor::arbiter
