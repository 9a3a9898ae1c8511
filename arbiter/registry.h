// The registry: which actors there are. Pure logic, no clock, no wire; loop thread only.
//
// Registrations are held by whoever registered them (a tree of actors, by its stream) and go with the holder. Names
// need not be unique; ids are. The revision grows with every change.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/wire/actor_info.h"

namespace tractor::arbiter {

class Registry {
 public:
  using Holder = std::uint64_t;
  using Labels = std::map<std::string, std::string>;

  Holder new_holder() { return ++last_holder_; }

  // Replaces what was registered under the same id, whoever held it.
  void add(Holder holder, ActorInfo info);
  // False when the holder has no such registration.
  bool remove(Holder holder, const std::string& actor_id);
  // All of a holder's.
  void drop(Holder holder);

  // Actors of that name that have all the labels, newest first.
  std::vector<ActorInfo> find(std::string_view name, const Labels& labels = {}) const;
  // By name, newest first.
  std::vector<ActorInfo> list() const;
  std::size_t size() const { return by_id_.size(); }
  std::uint64_t revision() const { return revision_; }

 private:
  struct Entry {
    ActorInfo info;
    Holder holder;
  };
  std::map<std::string, Entry, std::less<>> by_id_;
  std::multimap<std::string, std::string, std::less<>> ids_by_name_;
  Holder last_holder_ = 0;
  std::uint64_t revision_ = 0;

  void erase(std::map<std::string, Entry, std::less<>>::iterator entry);
};

}  // namespace tractor::arbiter
