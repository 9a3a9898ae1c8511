// What an actor says of itself: modules, functions, parameters.
#include "harness.h"
#include "runtime/actor/runtime.h"

namespace tractor::test {
namespace {

struct Seat {
  int row = 0;
};
BOOST_DESCRIBE_STRUCT(Seat, (), (row))

std::string movie_theatre(std::int64_t /*screen*/, const std::optional<Seat>& /*seat*/) { return "film"; }
void crunch(const std::stop_token& /*stop*/, double /*x*/) {}
void open_safe() {}

void define(Program& p) {
  p.module("office").def("open_safe", open_safe);
  p.module("cinema").def("movie_theatre", movie_theatre, "screen", "seat").def("crunch", crunch, in_thread);
}

const std::vector<ModuleDescription> kModules = {
    {.name = "cinema",
     .enabled = true,
     .functions = {{.name = "crunch",
                    .parameters = {{.name = "arg1", .type = "double"}},
                    .result_type = "null",
                    .in_thread = true},
                   {.name = "movie_theatre",
                    .parameters = {{.name = "screen", .type = "int64"},
                                   {.name = "seat", .type = "optional struct of (row)", .optional = true}},
                    .result_type = "string"}}},
    {.name = "office", .enabled = false, .functions = {{.name = "open_safe", .result_type = "null"}}}};

using Describe = RealProcesses;

TEST_F(Describe, tells_who_is_there_its_modules_and_their_functions) {
  with_daemon({.modules = {"cinema"}}, [](Portal& frank) {
    const ActorDescription description = frank.describe();
    EXPECT_EQ(description.actor, frank.channel().peer);
    EXPECT_EQ(description.modules, kModules);
  });
}

// As when an address has been taken by a new actor.
TEST_F(Describe, a_portal_to_one_that_is_gone_takes_nobody_else_at_its_address_for_it) {
  with_daemon({.modules = {"cinema"}}, [](Portal& frank) {
    const ActorRef gone{.name = "gone", .id = "0123456789abcdef"};
    Portal old(std::make_shared<Peer>(Runtime::current().wire(), gone, std::vector{frank.channel().address}), nullptr);
    for (const std::function<void()>& use :
         {std::function<void()>([&] { old.describe(); }), std::function<void()>([&] { old.run(open_safe); })}) {
      const auto error = thrown<Error>([&] { return use(), 0; });
      EXPECT_TRUE(contains(error.what(), "the actor 0123456789abcdef is not here: this is frank"));
    }
    auto [send, receive] = open_memory_channel<Down>(1);
    const Monitor monitor = old.monitor(std::move(send));
    const std::optional<Down> down = receive.next();
    EXPECT_EQ(down->reason, Down::Reason::unreachable);
    EXPECT_TRUE(contains(describe(down->error), "frank"));
  });
}

TEST_F(Describe, is_asked_by_anyone_who_finds_the_actor) {
  with_daemon({.modules = {"cinema"}}, [](Portal& frank) {
    const ActorDescription found = wait_for_actor("frank").describe();
    EXPECT_EQ(found, frank.describe());
    EXPECT_EQ(get_arbiter().describe().actor.name, "root");
  });
}

TEST_F(Describe, of_an_actor_that_has_ended_is_an_error_that_names_it) {
  run([] {
    open_nursery([](ActorNursery& n) {
      Portal frank = n.start_actor("frank");
      frank.cancel_actor();
      const RemoteActorError error = remote_error([&] { return frank.describe(); });
      EXPECT_EQ(error.kind(), ErrorKind::unavailable);
      EXPECT_TRUE(contains(error.what(), "frank"));
    });
  });
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
