// Errors on their way home.
#include "harness.h"

namespace tractor::test {
namespace {

struct OutOfPopcorn : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct NotAnException {};

// Registered types: one travels as its text, one as its members.
struct SoldOut : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct SoldOutToday : SoldOut {
  using SoldOut::SoldOut;
};
struct NoSeat : std::logic_error {
  NoSeat() : std::logic_error("no such seat") {}
  int row = 0;
  std::optional<std::string> note = {};
};
BOOST_DESCRIBE_STRUCT(NoSeat, (), (row, note))
// Whose constructor is of no use for its text.
struct Picky : std::runtime_error {
  explicit Picky(const std::string& text) : std::runtime_error("row " + std::to_string(std::stoi(text))) {}
};

void fail(const std::string& text) { throw std::runtime_error(text); }
void fail_as_popcorn() { throw OutOfPopcorn("no popcorn in row 7"); }
void throw_42() { throw 42; }
void sell_out(const std::string& film) { throw SoldOut(film); }
void be_picky() { throw Picky("7"); }
void sell_out_today(const std::string& film) { throw SoldOutToday(film); }
void seat(int row, const std::string& note) {
  NoSeat error;
  error.row = row;
  error.note = note;
  throw error;
}
void seat_because_sold_out() {
  try {
    throw SoldOut("Alphaville");
  } catch (const SoldOut&) {
    std::throw_with_nested(NoSeat());
  }
}
void sell_out_twice() {
  open_task_nursery([](TaskNursery& t) {
    t.start_soon([] { throw SoldOut("Alphaville"); });
    t.start_soon([] { throw OutOfPopcorn("row 7"); });
  });
}
int throw_in_thread(const std::string& digits) { return std::stoi(digits); }
void throw_struct() { throw NotAnException(); }
void throw_text(const std::string& text) { throw text; }
void throw_megabytes(int megabytes) {
  throw std::runtime_error(std::string(static_cast<std::size_t>(megabytes) << 20, 'x'));
}
std::string hi() { return current_actor().name(); }

Event told;
void tell() { told.set(); }
void fail_when_told(const std::string& text) {
  told.wait();
  fail(text);
}

// Calls the next of these actors with the rest of them; the last one throws.
void fail_at_the_end_of(const std::vector<std::string>& path) {
  if (path.empty()) throw OutOfPopcorn("at the end");
  find_actor(path.front()).value().run(fail_at_the_end_of, std::vector<std::string>(path.begin() + 1, path.end()));
}
void seat_at_the_end_of(const std::vector<std::string>& path) {
  if (path.empty()) return seat(7, "behind a pillar");
  find_actor(path.front()).value().run(seat_at_the_end_of, std::vector<std::string>(path.begin() + 1, path.end()));
}
// As fail_at_the_end_of, with a one-shot child at each hop.
void fail_below(const std::vector<std::string>& path) {
  if (path.empty()) throw OutOfPopcorn("at the end");
  open_nursery([&](ActorNursery& n) {
    n.run_in_actor(path.front(), fail_below, std::vector<std::string>(path.begin() + 1, path.end())).result();
  });
}

// Waits, in the root, until so many are waiting here.
void arrive(int count) {
  static int arrived = 0;
  static std::unique_ptr<Event> all = std::make_unique<Event>();
  if (++arrived == count) {
    arrived = 0;
    std::exchange(all, std::make_unique<Event>())->set();
  } else {
    Event& mine = *all;
    mine.wait();
  }
}
// Fails at the same moment as the others, even when the first of them has got this one cancelled.
void fail_together(int number, int count) {
  CancelScope({.shield = true}).run([&] { find_actor("root").value().run(arrive, count); });
  throw std::runtime_error("number " + std::to_string(number));
}
void fail_in_two_tasks() {
  open_task_nursery([](TaskNursery& t) {
    t.start_soon([] { throw std::runtime_error("left"); });
    t.start_soon([] { throw OutOfPopcorn("right"); });
  });
}
void wait_forever() { sleep_forever(); }

void define(Program& p) {
  p.exceptions().def<SoldOut>("cinema.SoldOut").def<NoSeat>("cinema.NoSeat").def<Picky>("cinema.Picky");
  p.module("errors")
      .def("fail", fail, "text")
      .def("fail_as_popcorn", fail_as_popcorn)
      .def("throw_42", throw_42)
      .def("throw_in_thread", throw_in_thread, "digits", in_thread)
      .def("throw_struct", throw_struct)
      .def("sell_out", sell_out, "film")
      .def("be_picky", be_picky)
      .def("sell_out_today", sell_out_today, "film")
      .def("seat", seat, "row", "note")
      .def("seat_because_sold_out", seat_because_sold_out)
      .def("sell_out_twice", sell_out_twice)
      .def("throw_text", throw_text, "text")
      .def("throw_megabytes", throw_megabytes, "megabytes")
      .def("hi", hi)
      .def("tell", tell)
      .def("fail_when_told", fail_when_told, "text")
      .def("fail_at_the_end_of", fail_at_the_end_of, "path")
      .def("seat_at_the_end_of", seat_at_the_end_of, "path")
      .def("fail_below", fail_below, "path")
      .def("arrive", arrive, "count")
      .def("fail_together", fail_together, "number", "count")
      .def("fail_in_two_tasks", fail_in_two_tasks)
      .def("wait_forever", wait_forever);
}

const ActorOptions kErrors{.modules = {"errors"}};

class Errors : public RealProcesses {
 protected:
  // The error that a call of that function in a daemon ends with; the daemon goes on.
  template <class F, class... A>
  RemoteActorError error_of(F function, const A&... arguments) {
    std::optional<RemoteActorError> error;
    with_daemon(kErrors, [&](Portal& frank) {
      error = remote_error([&] { return frank.run(function, arguments...), 0; });
      EXPECT_EQ(error->origin(), frank.channel().peer);
      EXPECT_EQ(frank.run(hi), "frank");
    });
    return error.value();
  }
};

std::vector<std::string> names(const std::vector<ActorRef>& actors) {
  std::vector<std::string> out;
  for (const ActorRef& actor : actors) out.push_back(actor.name);
  return out;
}

TEST_F(Errors, A21_an_exception_crosses_one_process_with_type_text_and_origin) {
  const RemoteActorError error = error_of(fail, "the film is torn");
  EXPECT_EQ(error.type_name(), "std::runtime_error");
  EXPECT_EQ(error.message(), "the film is torn");
  EXPECT_EQ(error.kind(), ErrorKind::function);
  EXPECT_EQ(error.origin().name, "frank");
  EXPECT_TRUE(error.relay_path().empty());
  EXPECT_EQ(error.what(), "std::runtime_error in " + to_string(error.origin()) + ": the film is torn");
}

TEST_F(Errors, A21_the_stack_trace_names_the_throwing_function_and_ends_where_the_library_called_it) {
  EXPECT_EQ(error_of(fail, "").stack_trace(), std::vector<std::string>{"tractor::test::(anonymous namespace)::fail()"});
  EXPECT_EQ(error_of(throw_42).stack_trace(),
            std::vector<std::string>{"tractor::test::(anonymous namespace)::throw_42()"});
  const std::vector<std::string> below_the_library = error_of(throw_in_thread, "x").stack_trace();
  EXPECT_EQ(below_the_library.back(), "tractor::test::(anonymous namespace)::throw_in_thread()");
  EXPECT_EQ(below_the_library.front(), "std::__throw_invalid_argument()");
}

TEST_F(Errors, A21_the_failure_of_a_one_shot_actor_is_thrown_by_result_and_by_the_nursery) {
  run([] {
    std::optional<ResultPortal<void>> kept;
    const RemoteActorError error = remote_error([&] {
      open_nursery([&](ActorNursery& n) {
        kept = n.run_in_actor("donny", fail_when_told, "the film is torn");
        kept->run(tell);
        const RemoteActorError seen = remote_error([&] { kept->result(); });
        EXPECT_EQ(seen.message(), "the film is torn");
        EXPECT_EQ(seen.origin().name, "donny");
      });
    });
    EXPECT_EQ(error.type_name(), "std::runtime_error");
    EXPECT_EQ(error.message(), "the film is torn");
    EXPECT_EQ(remote_error([&] { kept->result(); }).info().error_id, error.info().error_id);  // asked again, later
  });
}

TEST_F(Errors, A21_a_one_shot_actor_that_fails_at_once_fails_its_nursery) {
  run([] {
    for (int i = 0; i < 20; ++i) {
      const RemoteActorError error = remote_error(
          [] { open_nursery([](ActorNursery& n) { n.run_in_actor("donny", fail, "the film is torn"); }); });
      EXPECT_EQ(error.message(), "the film is torn");
    }
  });
}

TEST_F(Errors, A21_a_failure_that_the_body_passes_on_is_reported_once) {
  run([] {
    const RemoteActorError error = remote_error(
        [] { open_nursery([](ActorNursery& n) { n.run_in_actor("donny", fail, "the film is torn").result(); }); });
    EXPECT_EQ(error.message(), "the film is torn");
  });
}

TEST_F(Errors, A22_an_exception_that_crosses_three_processes_keeps_its_origin_and_names_every_hop) {
  run([] {
    open_nursery([](ActorNursery& n) {
      std::vector<Portal> actors;
      for (const char* name : {"a", "b", "c"}) actors.push_back(n.start_actor(name, kErrors));
      const RemoteActorError error = remote_error([&] {
        actors[0].run(fail_at_the_end_of, std::vector<std::string>{"b", "c"});
      });
      EXPECT_TRUE(contains(error.type_name(), "OutOfPopcorn"));
      EXPECT_EQ(error.message(), "at the end");
      EXPECT_EQ(error.origin(), actors[2].channel().peer);
      EXPECT_EQ(error.relay_path(), (std::vector<ActorRef>{actors[1].channel().peer, actors[0].channel().peer}));
      n.cancel();
    });
  });
}

TEST_F(Errors, A22_a_failure_below_one_shot_children_keeps_its_origin_and_names_every_hop) {
  run([] {
    const RemoteActorError error = remote_error([] { fail_below({"a", "b", "c"}); });
    EXPECT_TRUE(contains(error.type_name(), "OutOfPopcorn"));
    EXPECT_EQ(error.message(), "at the end");
    EXPECT_EQ(error.origin().name, "c");
    EXPECT_EQ(names(error.relay_path()), (std::vector<std::string>{"b", "a"}));
  });
}

TEST_F(Errors, A23_a_registered_type_can_be_caught_as_itself) {
  const RemoteActorError error = error_of(sell_out, "Alphaville");
  EXPECT_EQ(error.type_name(), "cinema.SoldOut");
  EXPECT_EQ(error.message(), "Alphaville");
  with_daemon(kErrors, [](Portal& frank) {
    try {
      frank.run(sell_out, "Alphaville");
      ADD_FAILURE() << "nothing was thrown";
    } catch (const RemoteActorError& e) {
      EXPECT_STREQ(thrown<SoldOut>([&] { std::rethrow_if_nested(e); }).what(), "Alphaville");
      EXPECT_EQ(e.origin().name, "frank");
    }
  });
}

TEST_F(Errors, A23_a_described_type_brings_its_members_through_three_processes) {
  run([] {
    try {
      open_nursery([](ActorNursery& n) {
        for (const char* name : {"a", "b", "c"}) n.start_actor(name, kErrors);
        find_actor("a").value().run(seat_at_the_end_of, std::vector<std::string>{"b", "c"});
      });
      ADD_FAILURE() << "nothing was thrown";
    } catch (const RemoteActorError& e) {
      EXPECT_EQ(e.origin().name, "c");
      EXPECT_EQ(names(e.relay_path()), (std::vector<std::string>{"b", "a"}));
      const NoSeat error = thrown<NoSeat>([&] { std::rethrow_if_nested(e); });
      EXPECT_EQ(error.row, 7);
      EXPECT_EQ(error.note, "behind a pillar");
    }
  });
}

TEST_F(Errors, A23_a_registered_type_with_a_cause_keeps_both) {
  with_daemon(kErrors, [](Portal& frank) {
    try {
      frank.run(seat_because_sold_out);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const RemoteActorError& e) {
      EXPECT_EQ(thrown<NoSeat>([&] { std::rethrow_if_nested(e); }).row, 0);
      EXPECT_EQ(e.causes().at(0).type, "cinema.SoldOut");
    }
  });
}

TEST_F(Errors, A23_the_failure_of_a_one_shot_actor_can_be_caught_as_itself) {
  run([] {
    try {
      open_nursery([](ActorNursery& n) { n.run_in_actor("donny", seat, 7, ""); });
      ADD_FAILURE() << "nothing was thrown";
    } catch (const RemoteActorError& e) {
      EXPECT_EQ(thrown<NoSeat>([&] { std::rethrow_if_nested(e); }).row, 7);
    }
  });
}

TEST_F(Errors, A23_a_registered_type_that_cannot_be_made_again_is_a_remote_error_only) {
  const RemoteActorError error = error_of(be_picky);
  EXPECT_EQ(error.type_name(), "cinema.Picky");
  EXPECT_NO_THROW(std::rethrow_if_nested(error));
  run([] {
    EXPECT_EQ(remote_error([] { open_nursery([](ActorNursery& n) { n.run_in_actor("one", be_picky); }); }).message(),
              "row 7");
  });
}

TEST_F(Errors, A23_a_type_derived_from_a_registered_one_is_another_type) {
  const RemoteActorError error = error_of(sell_out_today, "Alphaville");
  EXPECT_TRUE(contains(error.type_name(), "::SoldOutToday"));
  EXPECT_NO_THROW(std::rethrow_if_nested(error));
}

TEST_F(Errors, A23_an_unregistered_type_keeps_its_name_and_text_and_rethrow_if_nested_does_nothing) {
  const RemoteActorError error = error_of(fail_as_popcorn);
  EXPECT_EQ(error.type_name(), "tractor::test::(anonymous namespace)::OutOfPopcorn");
  EXPECT_EQ(error.message(), "no popcorn in row 7");
  EXPECT_NO_THROW(std::rethrow_if_nested(error));
}

TEST_F(Errors, A23_what_is_no_std_exception_keeps_its_type_name_and_text) {
  const RemoteActorError number = error_of(throw_42);
  EXPECT_EQ(number.type_name(), "int");
  EXPECT_EQ(number.message(), "42");
  EXPECT_TRUE(contains(error_of(throw_struct).type_name(), "NotAnException"));
  const RemoteActorError error = error_of(throw_text, "only text");
  EXPECT_TRUE(contains(error.type_name(), "string"));
  EXPECT_EQ(error.message(), "only text");
}

TEST_F(Errors, A24_two_children_that_fail_make_one_group_with_both) {
  run({.modules = {"errors"}}, [] {
    const auto group = thrown<ExceptionGroup>([] {
      open_nursery([](ActorNursery& n) {
        n.run_in_actor("left", fail_together, 1, 2);
        n.run_in_actor("right", fail_together, 2, 2);
      });
    });
    std::set<std::string> origins;
    for (const std::exception_ptr& member : group.exceptions()) {
      origins.insert(remote_error([&] { std::rethrow_exception(member); }).origin().name);
    }
    EXPECT_EQ(origins, (std::set<std::string>{"left", "right"}));
  });
}

TEST_F(Errors, A24_of_twenty_five_children_that_fail_at_once_none_is_lost) {
  static constexpr int kChildren = 25;
  run({.modules = {"errors"}}, [] {
    const auto group = thrown<ExceptionGroup>([] {
      open_nursery([](ActorNursery& n) {
        for (int i = 0; i < kChildren; ++i)
          n.run_in_actor("child" + std::to_string(i), fail_together, i, int{kChildren});
      });
    });
    std::set<std::string> texts;
    for (const std::exception_ptr& member : group.exceptions())
      texts.insert(remote_error([&] { std::rethrow_exception(member); }).message());
    EXPECT_EQ(group.exceptions().size(), kChildren);
    EXPECT_EQ(texts.size(), kChildren);
  });
}

TEST_F(Errors, A24_a_group_crosses_processes_with_its_members) {
  const RemoteActorError error = error_of(fail_in_two_tasks);
  EXPECT_EQ(error.type_name(), "tractor::ExceptionGroup");
  ASSERT_EQ(error.causes().size(), 2);
  EXPECT_EQ(error.causes()[0].type, "std::runtime_error");
  EXPECT_EQ(error.causes()[0].message, "left");
  EXPECT_TRUE(contains(error.causes()[1].type, "OutOfPopcorn"));
  EXPECT_EQ(error.causes()[1].message, "right");
  EXPECT_EQ(error.causes()[1].origin.name, "frank");
}

TEST_F(Errors, A24_the_members_of_a_remote_group_can_be_caught_here) {
  with_daemon(kErrors, [](Portal& frank) {
    try {
      frank.run(sell_out_twice);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const RemoteActorError& e) {
      const auto group = thrown<ExceptionGroup>([&] { std::rethrow_if_nested(e); });
      ASSERT_EQ(group.exceptions().size(), 2);
      const auto member = [&](std::size_t i) {
        return remote_error([&] { std::rethrow_exception(group.exceptions()[i]); });
      };
      EXPECT_EQ(member(0).type_name(), "cinema.SoldOut");
      EXPECT_TRUE(contains(member(1).type_name(), "OutOfPopcorn"));
      try {
        std::rethrow_exception(group.exceptions()[0]);
      } catch (const RemoteActorError& sold_out) {
        EXPECT_STREQ(thrown<SoldOut>([&] { std::rethrow_if_nested(sold_out); }).what(), "Alphaville");
      }
    }
  });
}

TEST_F(Errors, A25_a_remote_error_wins_over_the_cancellations_that_it_caused) {
  run([] {
    const RemoteActorError error = remote_error([] {
      open_nursery([](ActorNursery& n) {
        Portal daemon = n.start_actor("daemon", kErrors);
        n.run_in_actor("sleeper", wait_forever);
        n.run_in_actor("failer", fail, "the film is torn");
        daemon.run(wait_forever);
      });
    });
    EXPECT_EQ(error.message(), "the film is torn");
    EXPECT_EQ(error.origin().name, "failer");
    EXPECT_TRUE(child_pids().empty());
  });
}

TEST_F(Errors, A25_a_failing_call_wins_over_the_cancellation_of_the_calls_beside_it) {
  with_daemon(kErrors, [](Portal& frank) {
    const RemoteActorError error = remote_error([&] {
      open_task_nursery([&](TaskNursery& t) {
        for (int i = 0; i < 10; ++i) t.start_soon([&] { frank.run(wait_forever); });
        t.start_soon([&] { frank.run(fail, "the film is torn"); });
      });
    });
    EXPECT_EQ(error.message(), "the film is torn");
    EXPECT_EQ(frank.run(hi), "frank");
  });
}

TEST_F(Errors, A26_a_text_of_one_megabyte_arrives) {
  const std::string text(1 << 20, 'x');
  EXPECT_EQ(error_of(fail, text).message(), text);
  run([&] {
    const RemoteActorError error =
        remote_error([&] { open_nursery([&](ActorNursery& n) { n.run_in_actor("one", fail, text); }); });
    EXPECT_EQ(error.message(), text);
  });
}

TEST_F(Errors, A26_a_text_with_zero_bytes_and_invalid_utf8_arrives) {
  std::string text = "zero \0 byte, and ";
  text = std::string("a\0b ", 4) + "\xff\xfe gr\xc3\xbc\xc3\x9f" + std::string(1 << 20, '\x80') + " end";
  const RemoteActorError error = error_of(throw_text, text);
  EXPECT_TRUE(error.message().starts_with(std::string("a\0b \\xff\\xfe gr", 15))) << error.message().substr(0, 40);
  EXPECT_TRUE(error.message().ends_with("\\x80 end") || error.message().find("cut") != std::string::npos);
  EXPECT_EQ(error_of(fail, "gr\xc3\xbc\xc3\x9f").message(), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(error_of(fail, "\xff").message(), "\\xff");
}

void expect_cut(const RemoteActorError& error) {
  const std::string& text = error.message();
  EXPECT_TRUE(text.starts_with("xxxx")) << text.substr(0, 200);
  EXPECT_TRUE(contains(text.substr(text.size() - std::min<std::size_t>(text.size(), 100)), "cut"));
}

TEST_F(Errors, A26_a_text_over_the_message_limit_is_cut_and_says_so) {
  const RemoteActorError error = error_of(throw_megabytes, 70);
  EXPECT_EQ(error.type_name(), "std::runtime_error");
  expect_cut(error);
}

TEST_F(Errors, A26_a_one_shot_failure_with_a_text_over_the_message_limit_is_cut_and_says_so) {
  run([] {
    const RemoteActorError error =
        remote_error([] { open_nursery([](ActorNursery& n) { n.run_in_actor("one", throw_megabytes, 70); }); });
    EXPECT_EQ(error.type_name(), "std::runtime_error");
    expect_cut(error);
  });
}

// --- how a program ends ---

TRACTOR_SCENARIO(fails) {
  return program->main([] { throw OutOfPopcorn("no popcorn in row 7"); });
}
TRACTOR_SCENARIO(fails_twice) {
  return program->main([] { fail_in_two_tasks(); });
}
TRACTOR_SCENARIO(fails_in_a_child) {
  return program->main([] { fail_below({"donny"}); });
}
TRACTOR_SCENARIO(returns) {
  return program->main([](int status) { return status; }, std::stoi(arguments.at(0)));
}
TRACTOR_SCENARIO(uses_it_wrongly) {
  return program->main([] { open_nursery([](ActorNursery& n) { n.start_actor("donny", {.modules = {"nowhere"}}); }); });
}

TEST_F(Errors, main_prints_an_uncaught_error_and_returns_1) {
  Process process = Process::as("fails");
  EXPECT_EQ(process.wait(), Exit{.code = 1});
  EXPECT_EQ(process.out(), "");
  EXPECT_TRUE(contains(process.err(), "OutOfPopcorn: no popcorn in row 7"));
}

TEST_F(Errors, main_prints_every_member_of_a_group) {
  Process process = Process::as("fails_twice");
  EXPECT_EQ(process.wait(), Exit{.code = 1});
  EXPECT_TRUE(contains(process.err(), "std::runtime_error: left"));
  EXPECT_TRUE(contains(process.err(), "OutOfPopcorn: right"));
}

TEST_F(Errors, main_prints_where_a_remote_error_came_from) {
  Process process = Process::as("fails_in_a_child");
  EXPECT_EQ(process.wait(), Exit{.code = 1});
  EXPECT_TRUE(contains(process.err(), "OutOfPopcorn in donny@"));
  EXPECT_TRUE(contains(process.err(), "at the end"));
  EXPECT_TRUE(contains(process.err(), "    at tractor::test::(anonymous namespace)::fail_below()\n"));
}

TEST_F(Errors, main_returns_what_its_function_returns) {
  EXPECT_EQ(Process::as("returns", {"0"}).wait(), Exit{.code = 0});
  EXPECT_EQ(Process::as("returns", {"7"}).wait(), Exit{.code = 7});
}

TEST_F(Errors, main_returns_2_for_a_usage_error) {
  Process process = Process::as("uses_it_wrongly");
  EXPECT_EQ(process.wait(), Exit{.code = 2});
  EXPECT_TRUE(contains(process.err(), "no module \"nowhere\""));
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
