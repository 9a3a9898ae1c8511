#include "arbiter/registry.h"

#include <gtest/gtest.h>

namespace tractor::arbiter {
namespace {

ActorInfo actor(const std::string& name, const std::string& id, std::uint64_t incarnation = 1,
                Registry::Labels labels = {}) {
  return {.name = name, .id = id, .incarnation = incarnation, .labels = std::move(labels)};
}

std::vector<std::string> ids(const std::vector<ActorInfo>& actors) {
  std::vector<std::string> out;
  for (const ActorInfo& info : actors) out.push_back(info.id);
  return out;
}

using Ids = std::vector<std::string>;

TEST(Registry, finds_by_name_the_newest_first) {
  Registry registry;
  const auto holder = registry.new_holder();
  registry.add(holder, actor("a", "old", 1));
  registry.add(holder, actor("a", "new", 2));
  registry.add(holder, actor("b", "other", 3));
  EXPECT_EQ(ids(registry.find("a")), (Ids{"new", "old"}));
  EXPECT_TRUE(registry.find("c").empty());
  EXPECT_EQ(ids(registry.list()), (Ids{"new", "old", "other"}));
}

TEST(Registry, labels_must_all_match) {
  Registry registry;
  const auto holder = registry.new_holder();
  registry.add(holder, actor("a", "1", 1, {{"zone", "x"}, {"disk", "ssd"}}));
  registry.add(holder, actor("a", "2", 2, {{"zone", "y"}, {"disk", "ssd"}}));
  EXPECT_EQ(ids(registry.find("a", {{"zone", "x"}, {"disk", "ssd"}})), Ids{"1"});
  EXPECT_EQ(registry.find("a", {{"disk", "ssd"}}).size(), 2U);
  EXPECT_TRUE(registry.find("a", {{"zone", "x"}, {"disk", "hdd"}}).empty());
}

TEST(Registry, registrations_go_with_their_holder_and_no_others) {
  Registry registry;
  const auto one = registry.new_holder();
  const auto two = registry.new_holder();
  registry.add(one, actor("a", "1"));
  registry.add(two, actor("a", "2"));
  registry.add(one, actor("b", "3"));
  registry.drop(one);
  EXPECT_EQ(ids(registry.list()), Ids{"2"});
}

TEST(Registry, only_the_holder_removes) {
  Registry registry;
  const auto one = registry.new_holder();
  const auto two = registry.new_holder();
  registry.add(one, actor("a", "1"));
  EXPECT_FALSE(registry.remove(two, "1"));
  EXPECT_TRUE(registry.remove(one, "1"));
  EXPECT_FALSE(registry.remove(one, "1"));
  EXPECT_EQ(registry.size(), 0U);
}

TEST(Registry, a_second_registration_of_an_id_replaces_the_first) {
  Registry registry;
  const auto before = registry.new_holder();
  const auto after = registry.new_holder();
  registry.add(before, actor("a", "1"));
  registry.add(after, actor("renamed", "1"));
  registry.drop(before);  // the connection that was lost
  EXPECT_TRUE(registry.find("a").empty());
  EXPECT_EQ(ids(registry.find("renamed")), Ids{"1"});
}

TEST(Registry, the_revision_grows_with_every_change) {
  Registry registry;
  const auto holder = registry.new_holder();
  registry.add(holder, actor("a", "1"));
  const auto after_add = registry.revision();
  registry.remove(holder, "nobody");
  EXPECT_EQ(registry.revision(), after_add);
  registry.remove(holder, "1");
  EXPECT_GT(registry.revision(), after_add);
}

}  // namespace
}  // namespace tractor::arbiter
