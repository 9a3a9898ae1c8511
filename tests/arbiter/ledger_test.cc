// What the ledger keeps and answers; its files have a test of their own.
#include "arbiter/ledger.h"

#include <gtest/gtest.h>

#include "arbiter/ledger_files.h"
#include "runtime/wire/hybrid_clock.h"

namespace tractor::arbiter {
namespace {

using namespace std::chrono_literals;
using Kind = LedgerEvent::Kind;

LedgerRecord record(std::chrono::microseconds at, const std::string& actor, Kind kind = Kind::serving) {
  return {.event = {.kind = kind,
                    .actor = {.name = actor, .id = actor + "-id"},
                    .clock = HybridClock::at(at),
                    .recorder = {.name = "root", .id = "root-id"},
                    .tree_id = "tree"}};
}
std::string text(const NewestRecords& records) {
  std::string text;
  for (const LedgerRecord& r : records.all()) text += r.event.actor.name + " " + to_string(r.event.kind) + ", ";
  return text;
}
std::chrono::system_clock::time_point at(std::chrono::microseconds time) {
  return std::chrono::system_clock::time_point(time);
}

TEST(Ledger, answers_in_the_order_of_the_clocks_whenever_it_was_told) {
  Ledger ledger;
  ledger.add({record(3s, "c"), record(1s, "a")});
  ledger.add({record(2s, "b")});
  EXPECT_EQ(text(ledger.ask({}, "")), "a serving, b serving, c serving, ");
}

TEST(Ledger, what_is_told_twice_is_there_once_and_what_two_saw_at_one_moment_is_there_twice) {
  Ledger ledger;
  ledger.add({record(1s, "a"), record(1s, "a")});
  ledger.add({record(1s, "a")});
  LedgerRecord other = record(1s, "b");
  other.event.recorder.id = "another";
  ledger.add({other});
  EXPECT_EQ(ledger.ask({}, "").all().size(), 2U);
}

TEST(Ledger, asks_by_actor_tree_kind_and_time) {
  Ledger ledger;
  ledger.add({record(1s, "a"), record(2s, "b"), record(3s, "a", Kind::failed), record(4s, "b", Kind::ended)});
  LedgerRecord elsewhere = record(5s, "c");
  elsewhere.event.tree_id = "other";
  ledger.add({elsewhere});
  EXPECT_EQ(text(ledger.ask({.actor = "a"}, "")), "a serving, a failed, ");
  EXPECT_EQ(text(ledger.ask({.actor = "b-id"}, "")), "b serving, b ended, ");
  EXPECT_EQ(text(ledger.ask({.tree_id = "other"}, "")), "c serving, ");
  EXPECT_EQ(text(ledger.ask({.kinds = {Kind::failed, Kind::ended}}, "")), "a failed, b ended, ");
  EXPECT_EQ(text(ledger.ask({.since = at(2s), .until = at(4s)}, "")), "b serving, a failed, ");
  EXPECT_EQ(text(ledger.ask({.actor = "a", .kinds = {Kind::ended}}, "")), "");
}

TEST(Ledger, a_namespace_sees_its_own) {
  Ledger ledger;
  LedgerRecord theirs = record(2s, "theirs");
  theirs.actor_namespace = "theirs";
  ledger.add({record(1s, "ours"), theirs});
  EXPECT_EQ(text(ledger.ask({}, "")), "ours serving, ");
  EXPECT_EQ(text(ledger.ask({}, "theirs")), "theirs serving, ");
}

TEST(Ledger, of_more_than_the_limit_it_answers_the_newest_and_says_so) {
  Ledger ledger;
  for (int i = 5; i > 0; --i) ledger.add({record(i * 1s, std::to_string(i))});
  const NewestRecords two = ledger.ask({.limit = 2}, "");
  EXPECT_EQ(text(two), "4 serving, 5 serving, ");
  EXPECT_TRUE(two.more());
  const NewestRecords five = ledger.ask({.limit = 5}, "");
  EXPECT_EQ(five.all().size(), 5U);
  EXPECT_FALSE(five.more());
  EXPECT_EQ(text(ledger.ask({.until = two.all().begin()->event.time(), .limit = 2}, "")), "2 serving, 3 serving, ");
}

TEST(Ledger, in_memory_the_newest_stay) {
  Ledger ledger;
  const int more = static_cast<int>(Ledger::kMostInMemory) + 100;
  for (int i = 0; i < more; ++i) ledger.add({record(i * 1us, std::to_string(i))});
  const NewestRecords all = ledger.ask({.limit = LedgerQuery::kMostLimit}, "");
  EXPECT_EQ(all.all().size(), Ledger::kMostInMemory);
  EXPECT_EQ(all.all().begin()->event.actor.name, "100");
}

TEST(LedgerEvents, are_written_for_people) {
  LedgerRecord r = record(0s, "donny", Kind::cancelled);
  r.event.by = {.name = "root", .id = "12abcdef"};
  r.event.message = "its nursery was cancelled";
  r.event.clock = HybridClock::at(1'800'000'000s + 5us);
  EXPECT_EQ(to_string(r.event),
            "2027-01-15T08:00:00.000005Z donny@donn cancelled by root@12ab: its nursery was cancelled");
  EXPECT_EQ(parse_ledger_kind("call_failed"), Kind::call_failed);
  EXPECT_THROW(parse_ledger_kind("lunch"), std::invalid_argument);
}

}  // namespace
}  // namespace tractor::arbiter
