#include "arbiter/view.h"

#include <gtest/gtest.h>

namespace tractor::arbiter {
namespace {

using namespace std::chrono_literals;
using Ids = std::vector<std::string>;

constexpr Clock::time_point kNow{1h};

View::Change added(const std::string& name, const std::string& id, std::uint64_t incarnation = 1,
                   std::map<std::string, std::string> labels = {}, const std::string& actor_namespace = "") {
  return {.actor_namespace = actor_namespace,
          .added = std::make_shared<const ActorInfo>(
              ActorInfo{.name = name, .id = id, .incarnation = incarnation, .labels = std::move(labels)}),
          .removed_id = {}};
}
View::Change removed(const std::string& id, const std::string& actor_namespace = "") {
  return {.actor_namespace = actor_namespace, .added = nullptr, .removed_id = id};
}

Ids ids(const std::vector<View::Found>& actors) {
  Ids out;
  for (const View::Found& found : actors) out.push_back(found.actor->id);
  return out;
}

// Whom so many picks get.
Ids picks(View& view, Pick pick, int n, Clock::time_point now = kNow) {
  Ids out;
  for (int i = 0; i < n; ++i) out.push_back(view.pick("", "a", {.pick = pick}, now).value().actor->id);
  return out;
}

// Of the log from a position on: "+id" and "-id".
Ids changes(const View& view, std::uint64_t position) {
  Ids out;
  for (; position < view.log_end(); ++position)
    out.push_back((view.event(position).added ? "+" : "-") + view.event(position).actor->id);
  return out;
}

TEST(View, finds_by_name_the_newest_first) {
  View view;
  view.apply({added("a", "old", 1), added("a", "new", 2), added("b", "other", 3)}, 1);
  EXPECT_EQ(ids(view.find("", "a")), (Ids{"new", "old"}));
  EXPECT_TRUE(view.find("", "c").empty());
  EXPECT_EQ(ids(view.list("")), (Ids{"new", "old", "other"}));
  EXPECT_EQ(view.size(), 3U);
}

TEST(View, labels_must_all_match) {
  View view;
  view.apply(
      {added("a", "1", 1, {{"zone", "x"}, {"disk", "ssd"}}), added("a", "2", 2, {{"zone", "y"}, {"disk", "ssd"}})}, 1);
  EXPECT_EQ(ids(view.find("", "a", {{"zone", "x"}, {"disk", "ssd"}})), Ids{"1"});
  EXPECT_EQ(view.find("", "a", {{"disk", "ssd"}}).size(), 2U);
  EXPECT_TRUE(view.find("", "a", {{"zone", "x"}, {"disk", "hdd"}}).empty());
  EXPECT_EQ(view.pick("", "a", {.labels = {{"zone", "x"}}}, kNow)->actor->id, "1");
  EXPECT_FALSE(view.pick("", "a", {.labels = {{"zone", "z"}}}, kNow));
}

TEST(View, namespaces_know_nothing_of_each_other) {
  View view;
  view.apply({added("a", "1", 1, {}, "blue"), added("a", "1", 2, {}, "red"), added("a", "2", 3)}, 1);
  EXPECT_EQ(ids(view.find("blue", "a")), Ids{"1"});
  EXPECT_EQ(view.find("red", "a").front().actor->incarnation, 2U);
  EXPECT_EQ(ids(view.list("")), Ids{"2"});
  EXPECT_TRUE(view.list("green").empty());
  view.apply({removed("1", "red")}, 2);
  EXPECT_TRUE(view.find("red", "a").empty());
  EXPECT_EQ(ids(view.find("blue", "a")), Ids{"1"});
  EXPECT_FALSE(view.pick("red", "a", {}, kNow));
}

TEST(View, a_second_registration_of_an_id_replaces_the_first) {
  View view;
  view.apply({added("a", "1", 1)}, 1);
  view.apply({added("renamed", "1", 2)}, 2);
  EXPECT_TRUE(view.find("", "a").empty());
  EXPECT_EQ(ids(view.list("")), Ids{"1"});
  EXPECT_EQ(view.by_id("", "1")->actor->name, "renamed");
  EXPECT_FALSE(view.by_id("", "2"));
}

// --- picking ---

TEST(View, the_newest_is_picked_unless_something_else_is_wanted) {
  View view;
  view.apply({added("a", "x", 1), added("a", "y", 3), added("a", "z", 2)}, 1);
  EXPECT_EQ(picks(view, Pick::newest, 3), (Ids{"y", "y", "y"}));
}

TEST(View, round_robin_gives_everyone_a_turn_whoever_comes_and_goes_in_between) {
  View view;
  view.apply({added("a", "x", 1), added("a", "y", 3), added("a", "z", 2)}, 1);
  EXPECT_EQ(picks(view, Pick::round_robin, 4), (Ids{"x", "y", "z", "x"}));
  view.apply({removed("x"), added("a", "xx", 4)}, 2);
  EXPECT_EQ(picks(view, Pick::round_robin, 4), (Ids{"xx", "y", "z", "xx"}));
}

TEST(View, random_picks_everyone_about_as_often) {
  View view;
  view.apply({added("a", "x"), added("a", "y"), added("a", "z")}, 1);
  std::map<std::string, int> times;
  for (const std::string& id : picks(view, Pick::random, 3000)) ++times[id];
  ASSERT_EQ(times.size(), 3U);
  for (const auto& [id, n] : times) EXPECT_NEAR(n, 1000, 200) << id;  // 7 standard deviations
}

TEST(View, the_least_loaded_is_picked_and_a_pick_counts_until_the_next_report) {
  View view;
  view.apply({added("a", "x"), added("a", "y"), added("a", "z")}, 1);
  view.set_load("", "x", 5);
  view.set_load("", "y", 2);
  view.set_load("", "z", 1);
  EXPECT_EQ(picks(view, Pick::least_loaded, 4), (Ids{"z", "y", "z", "y"}));  // 1 2 2 3, and so on
  view.set_load("", "z", 0);
  EXPECT_EQ(picks(view, Pick::least_loaded, 1), Ids{"z"});
  EXPECT_EQ(picks(view, Pick::least_loaded, 1, kNow + 1s), Ids{"z"});  // what it was picked for is over by now
  EXPECT_EQ(view.find("", "a").front().calls_in_flight + view.find("", "a").back().calls_in_flight, 5U);
}

TEST(View, among_equally_loaded_the_turn_goes_round) {
  View view;
  view.apply({added("a", "x"), added("a", "y"), added("a", "z")}, 1);
  EXPECT_EQ(picks(view, Pick::least_loaded, 6), (Ids{"x", "y", "z", "x", "y", "z"}));
}

TEST(View, a_load_is_forgotten_with_its_actor) {
  View view;
  view.apply({added("a", "x")}, 1);
  view.set_load("", "x", 7);
  EXPECT_EQ(view.find("", "a").front().calls_in_flight, 7U);
  view.apply({removed("x")}, 2);
  view.set_load("", "x", 7);
  view.apply({added("a", "x")}, 3);
  EXPECT_EQ(view.find("", "a").front().calls_in_flight, 0U);
}

// --- the log ---

TEST(View, the_log_tells_every_change_in_order_and_nothing_else) {
  View view;
  view.apply({added("a", "1")}, 1);
  const std::uint64_t position = view.log_end();
  view.apply({added("a", "2")}, 2);
  view.apply({removed("nobody")}, 3);
  view.apply({removed("1"), added("b", "3")}, 4);
  EXPECT_EQ(view.revision(), 4U);
  EXPECT_EQ(changes(view, position), (Ids{"+2", "-1", "+3"}));
  EXPECT_EQ(changes(view, view.position_after(0).value()), (Ids{"+1", "+2", "-1", "+3"}));
  EXPECT_EQ(changes(view, view.position_after(3).value()), (Ids{"-1", "+3"}));
  EXPECT_TRUE(changes(view, view.position_after(4).value()).empty());
}

TEST(View, a_revision_of_the_future_is_not_in_the_log) {
  View view;
  view.apply({added("a", "1")}, 5);
  EXPECT_TRUE(view.position_after(5));
  EXPECT_FALSE(view.position_after(6));
}

TEST(View, who_saw_a_part_of_what_changed_together_resumes_before_it) {
  View view;
  view.apply({added("a", "1"), added("a", "2"), added("a", "3")}, 10);
  view.apply({removed("1"), removed("2")}, 20);
  std::vector<std::uint64_t> resume;
  for (std::uint64_t position = view.log_begin(); position < view.log_end(); ++position)
    resume.push_back(view.event(position).resume);
  EXPECT_EQ(resume, (std::vector<std::uint64_t>{0, 0, 10, 10, 20}));
  EXPECT_EQ(changes(view, view.position_after(10).value()), (Ids{"-1", "-2"}));
}

TEST(View, the_log_is_bounded_and_knows_what_it_has_forgotten) {
  View view(3);
  for (std::uint64_t i = 1; i <= 5; ++i) view.apply({added("a", std::to_string(i))}, i);
  EXPECT_EQ(view.log_end() - view.log_begin(), 3U);
  EXPECT_FALSE(view.position_after(0));
  EXPECT_FALSE(view.position_after(1));
  EXPECT_EQ(changes(view, view.position_after(2).value()), (Ids{"+3", "+4", "+5"}));
  view.apply({removed("1"), removed("2"), removed("3"), removed("4")}, 6);  // a part of them is not in the log
  EXPECT_FALSE(view.position_after(5));
  EXPECT_TRUE(view.position_after(6));
}

TEST(View, a_reset_is_a_gap_for_everyone_who_follows) {
  View view;
  view.apply({added("a", "1")}, 1);
  const std::uint64_t position = view.log_end();
  view.reset({added("a", "2"), added("b", "3")}, 7);
  EXPECT_LT(position, view.log_begin());
  EXPECT_EQ(ids(view.list("")), (Ids{"2", "3"}));
  EXPECT_FALSE(view.position_after(1));
  EXPECT_FALSE(view.position_after(6));
  EXPECT_TRUE(changes(view, view.position_after(7).value()).empty());
}

}  // namespace
}  // namespace tractor::arbiter
