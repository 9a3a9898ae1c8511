#include "arbiter/registry.h"

#include <gtest/gtest.h>

#include "../runtime/task/run_virtual.h"

namespace tractor::arbiter {
namespace {

using namespace std::chrono_literals;
using Ids = std::vector<std::string>;

ActorInfo actor(const std::string& name, const std::string& id, std::uint64_t incarnation = 1) {
  return {.name = name, .id = id, .incarnation = incarnation};
}

Ids found(Registry& registry, const std::string& name, const std::string& actor_namespace = "") {
  Ids out;
  for (const View::Found& f : registry.view().find(actor_namespace, name)) out.push_back(f.actor->id);
  return out;
}

// Runs `body` in a nursery in which the registry's task runs, on virtual time.
void with_registry(const std::function<void(Registry&)>& body, std::size_t log_capacity = View::kLogCapacity) {
  run_virtual([&] {
    Registry registry(log_capacity);
    open_task_nursery([&](TaskNursery& tasks) {
      registry.start(tasks);
      body(registry);
      tasks.cancel_scope().cancel();
    });
  });
}

TEST(Registry, registrations_go_with_their_holder_and_no_others) {
  with_registry([](Registry& registry) {
    const auto one = registry.open("", 0s);
    const auto two = registry.open("", 0s);
    registry.add(one, actor("a", "1"));
    registry.add(two, actor("a", "2"));
    registry.add(one, actor("b", "3"));
    registry.drop(one);
    EXPECT_EQ(found(registry, "a"), Ids{"2"});
    EXPECT_TRUE(found(registry, "b").empty());
    EXPECT_THROW(registry.add(one, actor("a", "1")), LeaseExpired);
    registry.drop(one);
    EXPECT_EQ(registry.view().size(), 1U);
  });
}

TEST(Registry, only_the_holder_removes) {
  with_registry([](Registry& registry) {
    const auto one = registry.open("", 0s);
    const auto two = registry.open("", 0s);
    registry.add(one, actor("a", "1"));
    registry.remove(two, "1");
    EXPECT_EQ(found(registry, "a"), Ids{"1"});
    registry.remove(one, "1");
    EXPECT_TRUE(found(registry, "a").empty());
    const auto revision = registry.view().revision();
    registry.remove(one, "1");
    EXPECT_EQ(registry.view().revision(), revision);
  });
}

TEST(Registry, who_registers_again_over_a_new_connection_survives_the_end_of_the_old_one) {
  with_registry([](Registry& registry) {
    const auto before = registry.open("", 10s);
    registry.add(before, actor("a", "1"));
    registry.abandon(before);
    sleep(5s);
    const auto after = registry.open("", 10s);
    registry.add(after, actor("a", "1"));
    sleep(6s);
    EXPECT_EQ(found(registry, "a"), Ids{"1"});
    registry.drop(before);
    EXPECT_EQ(found(registry, "a"), Ids{"1"});
    registry.drop(after);
    EXPECT_TRUE(found(registry, "a").empty());
  });
}

// Virtual time that can pass while no task runs: as when the process is stopped.
class StallingPort final : public VirtualPort {
 public:
  Clock::time_point now() const override { return VirtualPort::now() + stalled_; }
  void poll(Clock::time_point deadline) override {
    const bool is_time = deadline != Clock::kNever && deadline != Clock::time_point::min();
    VirtualPort::poll(is_time ? deadline - stalled_ : deadline);
  }
  void stall(Clock::duration duration) { stalled_ += duration; }

 private:
  Clock::duration stalled_ = {};
};

TEST(Registry, no_lease_expires_while_the_arbiter_does_not_run) {
  StallingPort port;
  Scheduler scheduler(port);
  scheduler.run([&] {
    Registry registry;
    open_task_nursery([&](TaskNursery& tasks) {
      registry.start(tasks);
      sleep(1h);
      bool expired = false;
      registry.add(registry.open("", 2s, [&] { expired = true; }), actor("a", "1"));
      sleep(1900ms);
      port.stall(1h);
      EXPECT_EQ(found(registry, "a"), Ids{"1"});
      sleep(50ms);
      EXPECT_FALSE(expired);
      sleep(1s);
      EXPECT_TRUE(expired);  // it was given no more than that
      EXPECT_TRUE(found(registry, "a").empty());
      tasks.cancel_scope().cancel();
    });
  });
}

TEST(Registry, an_older_incarnation_does_not_replace_a_newer_one) {
  with_registry([](Registry& registry) {
    const auto late = registry.open("", 0s);
    const auto holder = registry.open("", 0s);
    registry.add(holder, actor("a", "1", 7));
    try {
      registry.add(late, actor("a", "1", 6));
      FAIL();
    } catch (const CallError& e) {
      EXPECT_EQ(e.kind(), ErrorKind::failed_precondition);
      EXPECT_NE(std::string(e.what()).find("incarnation 7"), std::string::npos) << e.what();
    }
    registry.add(late, actor("a", "1", 8));
    EXPECT_EQ(registry.view().by_id("", "1")->actor->incarnation, 8U);
  });
}

TEST(Registry, a_holder_has_a_namespace) {
  with_registry([](Registry& registry) {
    const auto red = registry.open("red", 0s);
    const auto blue = registry.open("blue", 0s);
    registry.add(red, actor("a", "1"));
    registry.add(blue, actor("a", "1"));
    registry.remove(red, "1");
    EXPECT_TRUE(found(registry, "a", "red").empty());
    EXPECT_EQ(found(registry, "a", "blue"), Ids{"1"});
    EXPECT_TRUE(found(registry, "a").empty());
  });
}

// --- leases ---

TEST(Registry, a_lease_ends_when_it_is_not_renewed_for_its_time) {
  with_registry([](Registry& registry) {
    const auto holder = registry.open("", 10s);
    registry.add(holder, actor("a", "1"));
    for (int i = 0; i < 5; ++i) {
      sleep(9s);
      registry.renew(holder, {});
    }
    EXPECT_EQ(found(registry, "a"), Ids{"1"});
    sleep(9999ms);
    EXPECT_EQ(found(registry, "a"), Ids{"1"});
    sleep(1ms);
    EXPECT_TRUE(found(registry, "a").empty());
    EXPECT_THROW(registry.renew(holder, {}), LeaseExpired);
    EXPECT_THROW(registry.add(holder, actor("a", "1")), LeaseExpired);
    EXPECT_THROW(registry.remove(holder, "1"), LeaseExpired);
  });
}

TEST(Registry, whatever_a_holder_does_renews_its_lease) {
  with_registry([](Registry& registry) {
    const auto holder = registry.open("", 10s);
    registry.add(holder, actor("a", "1"));
    sleep(9s);
    registry.add(holder, actor("a", "2"));
    sleep(9s);
    registry.remove(holder, "2");
    sleep(9s);
    EXPECT_EQ(found(registry, "a"), Ids{"1"});
  });
}

TEST(Registry, the_end_of_a_lease_is_told_at_its_time_and_nobody_is_found_after_that) {
  with_registry([](Registry& registry) {
    registry.add(registry.open("", 20s), actor("a", "late"));
    registry.add(registry.open("", 10s), actor("a", "soon"));
    const auto start = Clock::now();
    for (const auto& [id, at] : {std::pair{"soon", 10s}, std::pair{"late", 20s}}) {
      const auto seen = registry.view().log_end();
      registry.changed().wait_until("an end", [&] { return registry.view().log_end() > seen; });
      EXPECT_EQ(Clock::now() - start, at);
      EXPECT_FALSE(registry.view().event(seen).added);
      EXPECT_EQ(registry.view().event(seen).actor->id, id);
      for (const std::string& other : found(registry, "a")) EXPECT_NE(other, id);
    }
  });
}

// What is asked at the very moment, before the registry's own task has run, gets the same answer.
TEST(Registry, an_expired_lease_is_gone_for_whoever_asks_first) {
  run_virtual([] {
    Registry registry;  // without its task
    registry.add(registry.open("", 10s), actor("a", "1"));
    sleep(10s);
    EXPECT_TRUE(found(registry, "a").empty());
    EXPECT_EQ(registry.view().log_end(), 2U);
  });
}

TEST(Registry, a_lost_connection_ends_what_has_no_lease_at_once_and_the_rest_with_its_lease) {
  with_registry([](Registry& registry) {
    const auto here = registry.open("", 0s);
    const auto elsewhere = registry.open("", 10s);
    registry.add(here, actor("a", "here"));
    registry.add(elsewhere, actor("a", "elsewhere"));
    sleep(4s);
    registry.abandon(here);
    registry.abandon(elsewhere);
    EXPECT_EQ(found(registry, "a"), Ids{"elsewhere"});
    sleep(6s);
    EXPECT_TRUE(found(registry, "a").empty());
  });
}

TEST(Registry, what_one_holder_has_ends_at_one_revision) {
  with_registry([](Registry& registry) {
    const auto holder = registry.open("", 0s);
    for (int i = 0; i < 5; ++i) registry.add(holder, actor("a", std::to_string(i)));
    const auto seen = registry.view().log_end();
    registry.drop(holder);
    EXPECT_EQ(registry.view().log_end(), seen + 5);
    for (auto position = seen; position < seen + 5; ++position)
      EXPECT_EQ(registry.view().event(position).revision, registry.view().revision());
  });
}

TEST(Registry, heartbeats_tell_the_load_and_who_is_left_out_has_none) {
  with_registry([](Registry& registry) {
    const auto holder = registry.open("", 0s);
    const auto other = registry.open("", 0s);
    registry.add(holder, actor("a", "1", 2));
    registry.add(holder, actor("a", "2", 1));
    registry.add(other, actor("b", "3"));
    registry.renew(holder, {{"1", 4}, {"2", 6}, {"3", 9}});
    EXPECT_EQ(registry.view().find("", "a").front().calls_in_flight, 4U);
    EXPECT_EQ(registry.view().find("", "a").back().calls_in_flight, 6U);
    EXPECT_EQ(registry.view().find("", "b").front().calls_in_flight, 0U);  // it is another's
    registry.renew(holder, {{"2", 1}});
    EXPECT_EQ(registry.view().find("", "a").front().calls_in_flight, 0U);
    EXPECT_EQ(registry.view().find("", "a").back().calls_in_flight, 1U);
  });
}

// --- by chance ---

// Holders come, register, fall silent, are dropped and lost, for a virtual hour. Whoever follows the log from an early
// snapshot has what a later one has, and nobody is found whose end was told.
TEST(Registry, who_follows_the_log_has_what_the_view_has) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    with_registry(
        [seed](Registry& registry) {
          std::minstd_rand random(seed);
          std::vector<Store::Holder> holders;
          std::set<std::string> followed;
          std::uint64_t position = registry.view().log_end();
          for (int step = 0; step < 1000; ++step) {
            const auto any = holders.empty() ? 0 : holders[random() % holders.size()];
            try {
              switch (random() % 8) {
                case 0:
                  holders.push_back(registry.open("", random() % 2 == 0 ? 0s : 10s));
                  break;
                case 1:
                case 2:
                case 3:
                  registry.add(any, actor("a", std::to_string(random() % 50), static_cast<std::uint64_t>(step)));
                  break;
                case 4:
                  registry.remove(any, std::to_string(random() % 50));
                  break;
                case 5:
                  registry.renew(any, {});
                  break;
                case 6:
                  random() % 4 == 0 ? registry.drop(any) : registry.abandon(any);
                  break;
                case 7:
                  sleep(std::chrono::milliseconds(random() % 4000));
                  break;
              }
            } catch (const LeaseExpired&) {
            }
            const Ids now = found(registry, "a");
            for (; position < registry.view().log_end(); ++position) {
              const View::Event& event = registry.view().event(position);
              event.added ? (void)followed.insert(event.actor->id) : (void)followed.erase(event.actor->id);
            }
            ASSERT_EQ(followed, std::set<std::string>(now.begin(), now.end())) << "seed " << seed << " step " << step;
          }
          EXPECT_GT(registry.view().revision(), 100U);
        },
        100);
  }
}

// --- exclusive names ---

ActorInfo exclusive(const std::string& name, const std::string& id, std::uint64_t incarnation = 1) {
  ActorInfo info = actor(name, id, incarnation);
  info.exclusive = true;
  return info;
}

TEST(Registry, an_exclusive_name_has_one_claimant_and_each_a_larger_token) {
  with_registry([](Registry& registry) {
    const auto one = registry.open("", 0s);
    const auto two = registry.open("", 0s);
    EXPECT_EQ(registry.add(one, actor("a", "0")), 0U);  // who claims nothing is no obstacle
    const std::uint64_t first = registry.add(one, exclusive("a", "1"));
    EXPECT_GT(first, 0U);
    EXPECT_THROW(registry.add(two, exclusive("a", "2")), NameClaimed);
    EXPECT_EQ(found(registry, "a").size(), 2U);
    EXPECT_EQ(registry.add(two, actor("a", "3")), 0U);
    const std::uint64_t other = registry.add(two, exclusive("b", "4"));
    EXPECT_GT(other, first);
    registry.remove(one, "1");
    EXPECT_GT(registry.add(two, exclusive("a", "2")), other);
  });
}

TEST(Registry, a_claim_goes_with_its_lease_and_with_nothing_before) {
  with_registry([](Registry& registry) {
    const auto one = registry.open("", 3s);
    const auto two = registry.open("", 0s);
    const std::uint64_t token = registry.add(one, exclusive("a", "1"));
    registry.abandon(one);
    tractor::sleep(2s);
    EXPECT_THROW(registry.add(two, exclusive("a", "2")), NameClaimed);
    tractor::sleep(2s);
    EXPECT_GT(registry.add(two, exclusive("a", "2")), token);
  });
}

TEST(Registry, who_registers_again_keeps_its_claim_and_token) {
  with_registry([](Registry& registry) {
    const auto one = registry.open("", 3s);
    const auto two = registry.open("", 0s);
    const std::uint64_t token = registry.add(one, exclusive("a", "1", 1));
    EXPECT_EQ(registry.add(two, exclusive("a", "1", 1)), token);
    registry.drop(one);
    EXPECT_THROW(registry.add(registry.open("", 0s), exclusive("a", "2")), NameClaimed);
    EXPECT_EQ(found(registry, "a"), Ids{"1"});
  });
}

TEST(Registry, a_claim_is_of_one_name) {
  with_registry([](Registry& registry) {
    const auto one = registry.open("", 0s);
    const std::uint64_t token = registry.add(one, exclusive("a", "1"));
    registry.add(one, exclusive("b", "2"));
    EXPECT_THROW(registry.add(one, exclusive("b", "1")), NameClaimed);
    EXPECT_GT(registry.add(one, exclusive("c", "1")), token);
    EXPECT_GT(registry.add(one, exclusive("a", "3")), token);
  });
}

TEST(Registry, namespaces_have_claims_of_their_own) {
  with_registry([](Registry& registry) {
    registry.add(registry.open("x", 0s), exclusive("a", "1"));
    EXPECT_GT(registry.add(registry.open("y", 0s), exclusive("a", "1")), 0U);
  });
}

TEST(Registry, a_claim_that_is_refused_takes_nothing_from_who_asked) {
  with_registry([](Registry& registry) {
    const auto one = registry.open("", 0s);
    registry.add(one, exclusive("a", "1"));
    const auto two = registry.open("", 0s);
    registry.add(two, actor("a", "2"));
    EXPECT_THROW(registry.add(two, exclusive("a", "2")), NameClaimed);
    registry.drop(two);
    EXPECT_EQ(found(registry, "a"), Ids{"1"});
  });
}

}  // namespace
}  // namespace tractor::arbiter
