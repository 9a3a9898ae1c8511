#include "runtime/wire/fault_plan.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "runtime/task/error.h"

namespace tractor {
namespace {

std::vector<Fault> decisions(FaultPlan plan, const std::string& actor, bool may_die = true) {
  plan.begin(actor, may_die);
  std::vector<Fault> all;
  for (int i = 0; i < 2000; ++i) all.push_back(i % 10 == 0 ? plan.next_link() : plan.next_message());
  return all;
}

const std::string kEach =
    "seed=7 delay=0.125:30ms drop=0.125 duplicate=0.125 break=0.125 kill=0.125 stop=0.125:1s refuse=0.5";

TEST(FaultPlan, reads_what_it_writes) {
  EXPECT_EQ(FaultPlan::parse(kEach).text(), kEach);
  EXPECT_EQ(FaultPlan::parse("drop=0.5,seed=18446744073709551615").text(), "seed=18446744073709551615 drop=0.5");
  EXPECT_EQ(FaultPlan::parse("delay=1").delay(), std::chrono::milliseconds(20));
}

TEST(FaultPlan, without_a_seed_gets_one_that_gives_the_same_again) {
  const FaultPlan plan = FaultPlan::parse("drop=0.5");
  EXPECT_NE(plan.text(), FaultPlan::parse("drop=0.5").text());
  EXPECT_EQ(decisions(plan, "donny"), decisions(FaultPlan::parse(plan.text()), "donny"));
}

TEST(FaultPlan, decides_by_seed_and_actor) {
  const FaultPlan plan = FaultPlan::parse(kEach);
  EXPECT_EQ(decisions(plan, "donny"), decisions(plan, "donny"));
  EXPECT_NE(decisions(plan, "donny"), decisions(plan, "gretchen"));
  EXPECT_NE(decisions(plan, "donny"), decisions(FaultPlan::parse("seed=8" + kEach.substr(6)), "donny"));
}

TEST(FaultPlan, does_each_as_often_as_it_says) {
  std::map<Fault, int> count;
  for (Fault fault : decisions(FaultPlan::parse(kEach), "donny")) ++count[fault];
  for (Fault fault : {Fault::delay, Fault::drop, Fault::duplicate, Fault::break_off, Fault::kill, Fault::stop}) {
    EXPECT_NEAR(count[fault], 1800 / 8, 60) << name_of(fault);
  }
  EXPECT_NEAR(count[Fault::refuse], 100, 40);
}

TEST(FaultPlan, neither_kills_nor_stops_a_root) {
  for (Fault fault : decisions(FaultPlan::parse("kill=0.5 stop=0.5"), "root", false)) EXPECT_EQ(fault, Fault::none);
}

TEST(FaultPlan, names_what_it_does_not_understand) {
  const auto refusal = [](const std::string& text) -> std::string {
    try {
      FaultPlan::parse(text);
    } catch (const UsageError& e) {
      return e.what();
    }
    return "";
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"crash=1", "\"crash=1\": the faults are"},
      {"drop", "\"drop\": a probability is from 0 to 1"},
      {"drop=2", "\"drop=2\": a probability"},
      {"drop=-0.1", "a probability"},
      {"drop=nan", "a probability"},
      {"seed=x", "\"seed=x\": a seed"},
      {"seed=-1", "a seed"},
      {"delay=0.1:never", "\"delay=0.1:never\": its time"},
      {"stop=0.1:2m", "its time is from 0s to 1m"},
      {"drop=0.1:1s", "only delay and stop take a time"},
      {"drop=0.6 break=0.6", "add up to more than 1"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_NE(refusal(text).find(expected), std::string::npos) << text << " -> " << refusal(text);
    EXPECT_NE(refusal(text).find("an example"), std::string::npos);
  }
}

}  // namespace
}  // namespace tractor
