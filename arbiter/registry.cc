#include "arbiter/registry.h"

#include <algorithm>

namespace tractor::arbiter {

void Registry::add(Holder holder, ActorInfo info) {
  if (const auto old = by_id_.find(info.id); old != by_id_.end()) erase(old);
  ids_by_name_.emplace(info.name, info.id);
  std::string id = info.id;
  by_id_.emplace(std::move(id), Entry{std::move(info), holder});
  ++revision_;
}

bool Registry::remove(Holder holder, const std::string& actor_id) {
  const auto entry = by_id_.find(actor_id);
  if (entry == by_id_.end() || entry->second.holder != holder) return false;
  erase(entry);
  return true;
}

void Registry::drop(Holder holder) {
  for (auto entry = by_id_.begin(); entry != by_id_.end();) {
    const auto next = std::next(entry);
    if (entry->second.holder == holder) erase(entry);
    entry = next;
  }
}

void Registry::erase(std::map<std::string, Entry, std::less<>>::iterator entry) {
  const auto [first, last] = ids_by_name_.equal_range(entry->second.info.name);
  ids_by_name_.erase(std::find_if(first, last, [&](const auto& item) { return item.second == entry->first; }));
  by_id_.erase(entry);
  ++revision_;
}

std::vector<ActorInfo> Registry::find(std::string_view name, const Labels& labels) const {
  std::vector<ActorInfo> found;
  const auto [first, last] = ids_by_name_.equal_range(name);
  for (auto item = first; item != last; ++item) {
    const ActorInfo& info = by_id_.find(item->second)->second.info;
    const bool matches = std::ranges::all_of(labels, [&](const auto& wanted) {
      const auto label = info.labels.find(wanted.first);
      return label != info.labels.end() && label->second == wanted.second;
    });
    if (matches) found.push_back(info);
  }
  std::ranges::stable_sort(found, std::ranges::greater(), &ActorInfo::incarnation);
  return found;
}

std::vector<ActorInfo> Registry::list() const {
  std::vector<ActorInfo> all;
  all.reserve(by_id_.size());
  for (const auto& [id, entry] : by_id_) all.push_back(entry.info);
  std::ranges::stable_sort(all, [](const ActorInfo& a, const ActorInfo& b) {
    return a.name != b.name ? a.name < b.name : a.incarnation > b.incarnation;
  });
  return all;
}

}  // namespace tractor::arbiter
