// Portals to a name: what becomes of calls when who has it dies, moves, or is not there.
#include "arbiter_wire.h"
#include "supervised.h"

namespace tractor::test {
namespace {

std::string id() { return current_actor().id(); }
void die() { raise(SIGKILL); }
std::string missing_elsewhere(const std::string& other) { return find_actor(other)->run<std::string>("named.missing"); }
void count(Yield<std::string>& yield) {
  while (true) yield(current_actor().id());
}
void echo(Context<int, std::string>& dialog) {
  for (int item : dialog) dialog.send(current_actor().id() + std::to_string(item));
}

// That call may be repeated: one that was sent before the death was noticed fails.
std::string id_of_next(NamedPortal& named) {
  while (true) {
    try {
      return named.run(id);
    } catch (const RemoteActorError& error) {
      if (error.kind() != ErrorKind::unavailable) throw;
    }
  }
}

// In another actor, which keeps the portal from call to call.
std::string id_by_name(const std::string& name) {
  static NamedPortal named(name);
  return id_of_next(named);
}

// A function whose own call finds nobody.
std::optional<Portal> remembered;
int times_asked = 0;
void remember(const std::string& name) { remembered = find_actor(name); }
std::string id_of_remembered() {
  ++times_asked;
  return remembered->run(id);
}
int asked() { return times_asked; }

const ChildOptions kChild{.modules = {"named"}};
const ActorOptions kActor{.modules = {"named"}};

TEST_F(Supervised, a_portal_to_a_name_finds_the_next_incarnation_here_and_in_another_process) {
  run([] {
    Supervisor supervisor(kPatient);
    supervisor.add("frank", kChild).add("gretchen", kChild);
    open_nursery(supervisor, [&] {
      NamedPortal frank("frank");
      Portal gretchen = supervisor.portal("gretchen");
      std::set<std::string> ids;
      for (int i = 0; i < 3; ++i) {
        const std::string now = supervisor.portal("frank").id();
        EXPECT_TRUE(ids.insert(now).second);
        EXPECT_EQ(id_of_next(frank), now);
        EXPECT_EQ(frank.run<std::string>("named.id"), now);
        EXPECT_EQ(frank.run<std::string>("named.id", {}), now);
        EXPECT_EQ(gretchen.run(id_by_name, "frank"), now);
        EXPECT_EQ(frank.portal().id(), now);
        kill_and_wait(supervisor, "frank");
      }
    });
  });
}

TEST_F(Supervised, a_portal_to_a_name_waits_until_the_next_incarnation_serves) {
  run([] {
    Supervisor supervisor({.intensity = 10, .backoff = {.first = 300ms, .jitter = 0}});
    supervisor.add("frank", kChild);
    open_nursery(supervisor, [&] {
      NamedPortal frank("frank");
      kill_and_wait(supervisor, "frank");  // the first restart is at once
      const std::string before = frank.run(id);
      kill(pid_of(supervisor, "frank"), SIGKILL);
      EXPECT_NE(id_of_next(frank), before);
      EXPECT_EQ(frank.run(id), supervisor.portal("frank").id());
    });
  });
}

TEST_F(Supervised, a_call_by_name_that_may_have_run_fails_and_the_next_goes_to_the_next_incarnation) {
  run([] {
    Supervisor supervisor(kPatient);
    supervisor.add("frank", kChild);
    open_nursery(supervisor, [&] {
      NamedPortal frank("frank");
      const std::string before = frank.run(id);
      const RemoteActorError error = remote_error([&] { frank.run(die); });
      EXPECT_TRUE(contains(error.what(), "signal 9"));
      EXPECT_NE(frank.run(id), before);
    });
  });
}

TEST_F(Supervised, streams_and_dialogs_by_name_are_of_who_has_it_when_they_are_opened) {
  run([] {
    Supervisor supervisor(kPatient);
    supervisor.add("frank", kChild);
    open_nursery(supervisor, [&] {
      NamedPortal frank("frank");
      for (int i = 0; i < 2; ++i) {
        const std::string now = supervisor.portal("frank").id();
        Stream<std::string> stream = frank.run(count);
        EXPECT_EQ(stream.next(), now);
        auto dialog = frank.portal().open_context(echo);
        dialog.send(7);
        EXPECT_EQ(dialog.receive(), now + "7");
        kill(pid_of(supervisor, "frank"), SIGKILL);
        EXPECT_EQ(remote_error([&] { dialog.receive(); }).kind(), ErrorKind::unavailable);
        EXPECT_EQ(remote_error([&] {
                    while (stream.next()) {
                    }
                  }).kind(),
                  ErrorKind::unavailable);
        EXPECT_NE(id_of_next(frank), now);
        supervisor.portal("frank");
      }
    });
  });
}

TEST_F(Supervised, many_tasks_share_a_portal_to_a_name_while_its_actor_is_killed_again_and_again) {
  run([] {
    Supervisor supervisor(kPatient);
    supervisor.add("frank", kChild);
    open_nursery(supervisor, [&] {
      NamedPortal frank("frank");
      bool over = false;
      std::set<std::string> ids;
      open_task_nursery([&](TaskNursery& t) {
        for (int i = 0; i < 8; ++i) {
          t.start_soon([&] {
            while (!over) ids.insert(id_of_next(frank));
          });
        }
        for (int i = 0; i < 5; ++i) {
          const std::string now = supervisor.portal("frank").id();
          EXPECT_TRUE(eventually([&] { return ids.contains(now); }));
          kill_and_wait(supervisor, "frank");
        }
        over = true;
      });
      EXPECT_GE(ids.size(), 5U);
    });
  });
}

using NamedPortals = TracedProcesses;

TEST_F(NamedPortals, wait_for_whoever_comes_and_no_longer_than_their_scope) {
  run([] {
    open_nursery([](ActorNursery& n) {
      NamedPortal frank("frank");
      EXPECT_THROW(fail_after(50ms, [&] { frank.run(id); }), TooSlowError);
      std::string found;
      open_task_nursery([&](TaskNursery& t) {
        t.start_soon([&] { found = frank.run(id); });
        checkpoint();
        n.start_actor("frank", kActor);
      });
      EXPECT_EQ(found, frank.portal().id());
      frank.portal().cancel_actor();
      EXPECT_TRUE(eventually([] { return !find_actor("frank"); }));
      EXPECT_THROW(fail_after(50ms, [&] { id_of_next(frank); }), TooSlowError);  // nobody has it any more
      const std::string next = n.start_actor("frank", kActor).id();
      NamedPortal copy = frank;
      EXPECT_EQ(id_of_next(copy), next);
      EXPECT_EQ(id_of_next(frank), next);
      n.cancel();
    });
  });
}

TEST_F(NamedPortals, go_on_in_the_next_run_of_the_program) {
  NamedPortal frank("frank");
  for (int i = 0; i < 2; ++i) {
    run([&] {
      open_nursery([&](ActorNursery& n) {
        Portal now = n.start_actor("frank", kActor);
        EXPECT_EQ(frank.run(id), now.id());
        n.cancel();
      });
    });
  }
}

TEST_F(NamedPortals, a_call_that_a_nursery_ends_with_its_actor_is_no_failure) {
  run([this] {
    open_nursery([&](ActorNursery& n) {
      n.start_actor("frank", {.modules = {"work"}, .budget = 1s});
      NamedPortal frank("frank");
      open_task_nursery([&](TaskNursery& t) {
        t.start_soon([&] { frank.run(stop_itself, trace_.path(), "frank"); });
        EXPECT_TRUE(trace_.comes("frank begins"));
        n.cancel();
      });
    });
  });
}

TEST_F(NamedPortals, a_call_whose_function_called_somebody_who_is_gone_was_executed) {
  run([] {
    open_nursery([](ActorNursery& n) {
      n.start_actor("frank", kActor);
      Portal gretchen = n.start_actor("gretchen", kActor);
      NamedPortal frank("frank");
      frank.run(remember, "gretchen");
      gretchen.cancel_actor();
      const RemoteActorError error = remote_error([&] { frank.run(id_of_remembered); });
      EXPECT_EQ(error.kind(), ErrorKind::unavailable) << error.what();
      EXPECT_EQ(error.executed(), Executed::maybe);
      EXPECT_EQ(frank.run(asked), 1);
      n.cancel();
    });
  });
}

TEST_F(NamedPortals, hand_out_what_the_function_throws_and_refusals_as_they_are) {
  run([] {
    open_nursery([](ActorNursery& n) {
      n.start_actor("frank", kActor);
      n.start_actor("gretchen", kActor);
      NamedPortal frank("frank");
      EXPECT_EQ(remote_error([&] { frank.run<Value>("named.missing"); }).kind(), ErrorKind::not_found);
      EXPECT_EQ(remote_error([&] { frank.run<Value>("work.ping"); }).kind(), ErrorKind::permission_denied);
      EXPECT_EQ(remote_error([&] { frank.run(missing_elsewhere, "gretchen"); }).relay_path().size(), 1U);
      n.cancel();
    });
  });
}

TEST_F(NamedPortals, may_be_of_the_actor_itself) {
  run({.name = "me", .modules = {"named"}}, [] {
    NamedPortal me("me");
    EXPECT_EQ(me.run(id), current_actor().id());
    EXPECT_EQ(me.portal().id(), current_actor().id());
  });
}

// As after a restart at the same port.
TEST_F(NamedPortals, ask_again_when_another_actor_has_the_address) {
  const ScratchDirectory scratch;
  const std::string address = "unix:" + scratch / "arbiter.sock";
  Process arbiter = start_arbiter({"--listen", address});
  Wire wire(address);
  Tree tree(wire);
  run({.arbiter = address}, [&] {
    open_nursery([&](ActorNursery& n) {
      Portal frank = n.start_actor("frank", kActor);
      v1::Registration moved = registration("mover", "0123456789abcdef");
      moved.set_addresses(0, frank.channel().address);
      tree.add(moved);
      NamedPortal mover("mover");
      EXPECT_THROW(fail_after(500ms, [&] { mover.run(id); }), TooSlowError);
      tree.remove("0123456789abcdef");
      Portal next = n.start_actor("mover", kActor);
      EXPECT_EQ(mover.run(id), next.id());
      n.cancel();
    });
  });
}

void define(Program& p) {
  define_kids(p);
  p.module("named")
      .def("id", id)
      .def("die", die)
      .def("missing_elsewhere", missing_elsewhere, "other")
      .def("count", count)
      .def("echo", echo)
      .def("remember", remember, "name")
      .def("id_of_remembered", id_of_remembered)
      .def("asked", asked)
      .def("id_by_name", id_by_name, "name");
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
