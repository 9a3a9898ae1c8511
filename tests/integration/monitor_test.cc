// Being told when another actor is gone, and why: exactly once.
#include "work.h"

namespace tractor::test {
namespace {

using Reason = Down::Reason;
const ActorOptions kDaemon{.modules = {"work"}};

void return_at_once() {}

// Starts a daemon, "leaf", below this actor, and ends it when `end` exists.
void middle(const std::string& end) {
  open_nursery([&](ActorNursery& n) {
    Portal leaf = n.start_actor("leaf", {.modules = {"work", "monitored"}});
    while (!std::filesystem::exists(end)) tractor::sleep(5ms);
    leaf.cancel_actor();
    sleep_forever();
  });
}
// Fails with the death of a child of its own.
void lose_a_child() {
  open_nursery([](ActorNursery& n) { kill(n.start_actor("leaf", kDaemon).run(own_pid), SIGKILL); });
}
std::string hold_nothing() { return current_actor().id(); }

class Monitored : public TracedProcesses {
 protected:
  // What one monitor of `portal` tells while `f` runs and within some time after it; that it is told once.
  template <class F>
  Down down_of(const Portal& portal, F&& f) {
    auto [send, receive] = open_memory_channel<Down>(4);
    const Monitor monitor = portal.monitor(std::move(send));
    f();
    std::optional<Down> down = fail_after(20s, [&] { return receive.next(); });
    EXPECT_TRUE(down.has_value());
    EXPECT_FALSE(fail_after(20s, [&] { return receive.next(); })) << "told twice";
    return down.value_or(Down{});
  }
  // Runs `body` with a supervisor of one child, whose failures do no harm.
  template <class F>
  void with_child(const std::function<void(Supervisor&)>& add, F&& body) {
    run([&] {
      Supervisor supervisor({.intensity = 1000});
      add(supervisor);
      open_nursery(supervisor, [&] { body(supervisor); });
    });
  }
};
void add_frank(Supervisor& supervisor) {
  supervisor.add("frank", {.restart = Restart::temporary, .modules = {"work"}});
}

// --- children ---

TEST_F(Monitored, a_killed_child_is_told_once_with_its_signal) {
  with_child(add_frank, [this](Supervisor& supervisor) {
    Portal frank = supervisor.portal("frank");
    const pid_t pid = frank.run(own_pid);
    const Down down = down_of(frank, [&] { kill(pid, SIGKILL); });
    EXPECT_EQ(down.reason, Reason::killed);
    EXPECT_EQ(down.signal, SIGKILL);
    EXPECT_EQ(down.actor.name, "frank");
    EXPECT_EQ(down.actor.id, frank.id());
    EXPECT_TRUE(contains(describe(down.error), "signal 9"));
    EXPECT_EQ(process_state(pid), "");  // it is told when nothing of it is left
  });
}

TEST_F(Monitored, a_child_whose_function_returned_has_ended) {
  run([] {
    Supervisor supervisor({.intensity = 0});
    auto [send, receive] = open_memory_channel<Down>(4);
    supervisor.add("steady", {});
    open_nursery(supervisor, [&, &send = send, &receive = receive] {
      // Its portal is there before it has returned, or after.
      Portal once = supervisor.start_child("once", {.restart = Restart::temporary}, return_at_once);
      const Monitor monitor = once.monitor(std::move(send));
      const std::optional<Down> down = receive.next();
      EXPECT_EQ(down->reason, Reason::ended);
      EXPECT_EQ(down->error, nullptr);
      EXPECT_EQ(down->actor.name, "once");
      EXPECT_FALSE(receive.next());
    });
  });
}

TEST_F(Monitored, a_child_that_failed_is_told_with_its_error) {
  with_child(add_frank, [this](Supervisor& supervisor) {
    const Down down = [&] {
      const Portal torn =
          supervisor.start_child("torn", {.restart = Restart::temporary}, fail_with, "the film is torn");
      return down_of(torn, [] {});
    }();
    EXPECT_EQ(down.reason, Reason::error);
    EXPECT_TRUE(contains(describe(down.error), "the film is torn"));
  });
}

TEST_F(Monitored, a_child_that_failed_with_the_death_of_its_own_child_was_not_killed) {
  with_child(add_frank, [this](Supervisor& supervisor) {
    const Portal parent = supervisor.start_child("parent", {.restart = Restart::temporary}, lose_a_child);
    const Down down = down_of(parent, [] {});
    EXPECT_EQ(down.reason, Reason::error);
    EXPECT_TRUE(contains(describe(down.error), "leaf"));
  });
}

TEST_F(Monitored, a_cancelled_child_is_told_with_who_cancelled_it) {
  with_child(add_frank, [this](Supervisor& supervisor) {
    Portal frank = supervisor.portal("frank");
    const Down down = down_of(frank, [&] { frank.cancel_actor(); });
    EXPECT_EQ(down.reason, Reason::cancelled);
    EXPECT_EQ(down.cancelled_by, to_string(ActorRef{current_actor().name(), current_actor().id()}));
    EXPECT_EQ(down.error, nullptr);
  });
}

TEST_F(Monitored, a_child_that_another_actor_cancelled_is_told_with_that_one) {
  with_child(add_frank, [this](Supervisor& supervisor) {
    const Portal frank = supervisor.portal("frank");
    const std::string by = supervisor.start_child("other", {.modules = {"monitored"}}).id();
    const Down down = down_of(frank, [&] { supervisor.portal("other").run<void>("monitored.cancel", "frank"); });
    EXPECT_EQ(down.reason, Reason::cancelled);
    EXPECT_EQ(down.cancelled_by, to_string(ActorRef{"other", by}));
  });
}

TEST_F(Monitored, one_that_is_gone_already_is_told_at_once) {
  with_child(add_frank, [this](Supervisor& supervisor) {
    Portal frank = supervisor.portal("frank");
    std::optional<Portal> found = find_actor("frank");
    frank.cancel_actor();
    EXPECT_EQ(down_of(frank, [] {}).reason, Reason::cancelled);
    EXPECT_EQ(down_of(frank, [] {}).reason, Reason::cancelled);
    EXPECT_EQ(down_of(*found, [] {}).reason, Reason::cancelled);
  });
}

TEST_F(Monitored, a_child_that_was_found_by_its_name_is_still_known_as_a_child) {
  with_child(add_frank, [this](Supervisor& supervisor) {
    const pid_t pid = supervisor.portal("frank").run(own_pid);
    const Down down = down_of(*find_actor("frank"), [&] { kill(pid, SIGKILL); });
    EXPECT_EQ(down.reason, Reason::killed);
    EXPECT_EQ(down.signal, SIGKILL);
  });
}

TEST_F(Monitored, each_of_several_monitors_is_told_once) {
  with_child(add_frank, [](Supervisor& supervisor) {
    Portal frank = supervisor.portal("frank");
    std::vector<Monitor> monitors;
    int told = 0;
    for (int i = 0; i < 10; ++i) monitors.push_back(frank.monitor([&](const Down&) { ++told; }));
    kill(frank.run(own_pid), SIGKILL);
    EXPECT_TRUE(eventually([&] { return told == 10; }));
    tractor::sleep(20ms);
    EXPECT_EQ(told, 10);
  });
}

TEST_F(Monitored, the_death_that_cancels_a_nursery_is_told_all_the_same) {
  run([] {
    std::optional<Monitor> monitor;
    std::vector<Down> told;
    const RemoteActorError error = remote_error([&] {
      open_nursery([&](ActorNursery& n) {
        Portal frank = n.start_actor("frank", kDaemon);
        monitor = frank.monitor([&](const Down& down) { told.push_back(down); });
        kill(frank.run(own_pid), SIGKILL);
        sleep_forever();
      });
    });
    EXPECT_TRUE(contains(error.what(), "signal 9"));
    EXPECT_TRUE(eventually([&] { return !told.empty(); }));
    EXPECT_EQ(told.size(), 1U);
    EXPECT_EQ(told.at(0).reason, Reason::killed);
  });
}

TEST_F(Monitored, a_monitor_that_goes_ends_the_watching) {
  with_child(add_frank, [](Supervisor& supervisor) {
    Portal frank = supervisor.portal("frank");
    int told = 0;
    {
      const Monitor monitor = frank.monitor([&](const Down&) { ++told; });
    }
    auto [send, receive] = open_memory_channel<Down>(4);
    { const Monitor monitor = frank.monitor(std::move(send)); }
    EXPECT_FALSE(receive.next());  // nobody will send any more
    frank.cancel_actor();
    tractor::sleep(20ms);
    EXPECT_EQ(told, 0);
  });
}

TEST_F(Monitored, a_monitor_that_is_kept_beyond_the_program_ends_with_it) {
  std::optional<Monitor> idle;
  std::optional<Monitor> busy;
  with_child(add_frank, [&](Supervisor& supervisor) {
    Portal frank = supervisor.portal("frank");
    idle = get_arbiter().monitor([](const Down&) {});
    busy = frank.monitor([&](const Down&) {
      const NoteAtEnd ends(trace_.path(), "unwound");
      sleep_forever();
    });
    frank.cancel_actor();
  });
  EXPECT_TRUE(trace_.has("unwound"));
}

TEST_F(Monitored, what_a_callback_throws_is_not_lost) {
  with_child(add_frank, [](Supervisor& supervisor) {
    Portal frank = supervisor.portal("frank");
    bool told = false;
    Monitor monitor = frank.monitor([&](const Down&) {
      told = true;
      throw std::out_of_range("the callback");
    });
    frank.cancel_actor();
    EXPECT_TRUE(eventually([&] { return told; }));
    EXPECT_THROW(monitor.close(), std::out_of_range);
    monitor.close();
  });
}

TEST_F(Monitored, an_actor_cannot_be_told_of_its_own_end) {
  run([] {
    EXPECT_TRUE(contains(usage_error([] { static_cast<void>(find_actor("root")->monitor([](const Down&) {})); }),
                         "its own end; current_actor().at_exit()"));
  });
}

// --- actors elsewhere ---

TEST_F(Monitored, a_grandchild_that_is_killed_is_unreachable) {
  run([this] {
    Supervisor supervisor({.intensity = 0});
    supervisor.add("middle", {.restart = Restart::temporary, .modules = {"monitored"}}, middle, scratch_ / "end");
    open_nursery(supervisor, [&] {
      Portal leaf = wait_for_actor("leaf");
      const pid_t pid = leaf.run(own_pid);
      const Down down = down_of(leaf, [&] { kill(pid, SIGKILL); });
      EXPECT_EQ(down.reason, Reason::unreachable);
      EXPECT_EQ(down.actor.id, leaf.id());
      EXPECT_TRUE(contains(describe(down.error), "actor \"leaf\" at unix:") &&
                  contains(describe(down.error), "cannot be reached"));
      EXPECT_TRUE(eventually([&] { return supervisor.which_children().empty(); }));  // middle has failed of it
    });
  });
}

TEST_F(Monitored, a_grandchild_that_is_cancelled_by_its_parent_has_ended) {
  run([this] {
    Supervisor supervisor({.intensity = 0});
    supervisor.add("middle", {.restart = Restart::temporary, .modules = {"monitored"}}, middle, scratch_ / "end");
    open_nursery(supervisor, [&] {
      const Portal leaf = wait_for_actor("leaf");
      const Down down = down_of(leaf, [&] {
        static_cast<void>(Portal(leaf).run<std::string>("monitored.hold_nothing"));  // the link is there
        std::ofstream(scratch_ / "end") << "now";
      });
      EXPECT_EQ(down.reason, Reason::ended);
      EXPECT_EQ(down.error, nullptr);
    });
  });
}

TEST_F(Monitored, a_grandchild_that_ends_with_its_whole_branch_is_told_once) {
  run([this] {
    Supervisor supervisor({.intensity = 0});
    supervisor.add("middle", {.restart = Restart::temporary, .modules = {"monitored", "work"}}, middle,
                   scratch_ / "end");
    open_nursery(supervisor, [&] {
      const Portal leaf = wait_for_actor("leaf");
      const pid_t parent = supervisor.portal("middle").run(own_pid);
      const Down down = down_of(leaf, [&] { kill(parent, SIGKILL); });  // the leaf ends itself
      EXPECT_TRUE(down.reason == Reason::ended || down.reason == Reason::unreachable) << to_string(down.reason);
    });
  });
}

void cancel(const std::string& name) { find_actor(name)->cancel_actor(); }

void define(Program& p) {
  define_work(p);
  p.module("monitored")
      .def("return_at_once", return_at_once)
      .def("middle", middle)
      .def("lose_a_child", lose_a_child)
      .def("hold_nothing", hold_nothing)
      .def("cancel", cancel, "name");
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
