// Calls that cannot be carried out: each is an error that names the function and what is wrong; the function does not
// run, the actor goes on.
#include "harness.h"

namespace tractor::test {
namespace {

struct Seat {
  int row = 0;
  std::optional<std::string> note = {};
};
BOOST_DESCRIBE_STRUCT(Seat, (), (row, note))

int runs_so_far = 0;
int place(std::int8_t row, const std::string& guest, const std::optional<std::string>& note) {
  ++runs_so_far;
  return row + static_cast<int>(guest.size() + note.value_or("").size());
}
int place_all(const std::vector<Seat>& seats) {
  ++runs_so_far;
  return static_cast<int>(seats.size());
}
int runs() { return runs_so_far; }
std::string hi() { return "hi"; }
std::int64_t count_all(std::uint64_t start, const std::vector<std::uint64_t>& numbers) {
  ++runs_so_far;
  return static_cast<std::int64_t>(start + numbers.size());
}
std::uint64_t too_large() { return std::numeric_limits<std::uint64_t>::max(); }
void parts(const std::pair<int, std::string>& /*pair*/, const std::map<std::string, Seat>& /*map*/) { ++runs_so_far; }
void open_safe() { ++runs_so_far; }
void not_defined() {}

void define(Program& p) {
  p.module("cinema")
      .def("place", place, "row", "guest", "note")
      .def("place_all", place_all, "seats")
      .def("runs", runs)
      .def("count_all", count_all, "start", "numbers")
      .def("too_large", too_large)
      .def("parts", parts, "pair", "map")
      .def("hi", hi);
  p.module("office").def("open_safe", open_safe);
}

class BadCalls : public RealProcesses {
 protected:
  // `call` fails with that kind and a message with all these parts; nothing ran, and the actor goes on.
  template <class F>
  void refused(F&& call, ErrorKind kind, const std::vector<std::string>& parts) {
    with_daemon({.modules = {"cinema"}}, [&](Portal& frank) {
      const RemoteActorError error = remote_error([&] { return call(frank); });
      EXPECT_EQ(static_cast<int>(error.kind()), static_cast<int>(kind)) << error.what();
      for (const std::string& part : parts) EXPECT_TRUE(contains(error.message(), part));
      EXPECT_EQ(error.origin(), frank.channel().peer);
      EXPECT_EQ(frank.run(runs), 0);
      EXPECT_EQ(frank.run(place, 1, "donny", std::nullopt), 6);
      EXPECT_EQ(frank.run(runs), 1);
    });
  }
};

TEST_F(BadCalls, A05_an_unknown_function_by_name) {
  refused([](Portal& frank) { return frank.run("cinema.palce", 1); }, ErrorKind::not_found, {"cinema.palce", "frank"});
}

TEST_F(BadCalls, A05_an_unknown_function_in_an_unknown_module) {
  refused([](Portal& frank) { return frank.run("theatre.place", 1); }, ErrorKind::not_found,
          {"theatre", "frank", "\"cinema\""});
}

TEST_F(BadCalls, A05_a_name_without_a_module) {
  refused([](Portal& frank) { return frank.run("place", 1); }, ErrorKind::not_found,
          {"\"place\"", "frank", "\"module.function\""});
}

TEST_F(BadCalls, A05_an_empty_name) {
  refused([](Portal& frank) { return frank.run(""); }, ErrorKind::not_found, {"\"\"", "frank"});
}

TEST_F(BadCalls, A05_a_module_that_is_not_enabled_by_name) {
  refused([](Portal& frank) { return frank.run("office.open_safe"); }, ErrorKind::permission_denied,
          {"no module \"office\"", "actor \"frank\"", "enabled: \"cinema\"", "{.modules = {\"office\"}}"});
}

TEST_F(BadCalls, A05_a_module_that_is_not_enabled_by_type) {
  refused([](Portal& frank) { return frank.run(open_safe), 0; }, ErrorKind::permission_denied,
          {"no module \"office\"", "actor \"frank\""});
}

TEST_F(BadCalls, A05_an_argument_of_the_wrong_type_by_position) {
  refused([](Portal& frank) { return frank.run("cinema.place", std::string("two"), std::string("donny")); },
          ErrorKind::invalid_argument,
          {"cinema.place(row, guest, note)", "\"row\"", "expected int8, got string \"two\""});
}

TEST_F(BadCalls, A05_an_argument_of_the_wrong_type_by_name) {
  refused(
      [](Portal& frank) {
        return frank.run("cinema.place", {{"guest", 7}, {"row", 1}});
      },
      ErrorKind::invalid_argument, {"cinema.place(row, guest, note)", "\"guest\"", "expected string, got int64 7"});
}

TEST_F(BadCalls, A05_an_optional_argument_of_the_wrong_type) {
  refused(
      [](Portal& frank) {
        return frank.run("cinema.place", {{"guest", "donny"}, {"row", 1}, {"note", true}});
      },
      ErrorKind::invalid_argument, {"cinema.place", "\"note\"", "string, got bool true"});
}

TEST_F(BadCalls, A05_an_argument_wrong_deep_inside) {
  const Value seats = Value::List{Value::Map{{"row", 1}}, Value::Map{{"row", "two"}}};
  refused([&](Portal& frank) { return frank.run("cinema.place_all", seats); }, ErrorKind::invalid_argument,
          {"cinema.place_all(seats)", "\"seats\"", "expected int32, got string \"two\"", "\"row\"", "item 1"});
}

TEST_F(BadCalls, A05_a_struct_with_a_missing_and_one_with_a_surplus_member) {
  refused(
      [](Portal& frank) {
        return frank.run("cinema.place_all", Value(Value::List{Value::Map{{"note", "x"}}}));
      },
      ErrorKind::invalid_argument, {"cinema.place_all(seats)", "\"row\""});
  refused(
      [](Portal& frank) {
        return frank.run("cinema.place_all", Value(Value::List{Value::Map{{"row", 1}, {"colour", "red"}}}));
      },
      ErrorKind::invalid_argument, {"cinema.place_all(seats)", "\"colour\""});
}

TEST_F(BadCalls, A05_a_missing_argument_by_position) {
  refused([](Portal& frank) { return frank.run("cinema.place", 1); }, ErrorKind::invalid_argument,
          {"cinema.place(row, guest, note)", "\"guest\" (string) is missing"});
}

TEST_F(BadCalls, A05_a_missing_argument_by_name) {
  refused(
      [](Portal& frank) {
        return frank.run("cinema.place", {{"guest", "donny"}});
      },
      ErrorKind::invalid_argument, {"cinema.place(row, guest, note)", "\"row\" (int8) is missing"});
}

TEST_F(BadCalls, A05_no_arguments_at_all) {
  refused([](Portal& frank) { return frank.run("cinema.place"); }, ErrorKind::invalid_argument,
          {"cinema.place", "\"row\"", "missing"});
}

TEST_F(BadCalls, A05_a_null_for_an_argument_that_is_not_optional) {
  refused([](Portal& frank) { return frank.run("cinema.place", Value(), std::string("donny")); },
          ErrorKind::invalid_argument, {"cinema.place", "\"row\"", "expected int8, got null"});
}

TEST_F(BadCalls, A05_a_surplus_argument) {
  refused([](Portal& frank) { return frank.run("cinema.place", 1, std::string("donny"), std::string("x"), 4); },
          ErrorKind::invalid_argument, {"cinema.place(row, guest, note)", "takes 3 arguments, got 4"});
  refused([](Portal& frank) { return frank.run("cinema.hi", 1); }, ErrorKind::invalid_argument,
          {"cinema.hi()", "takes 0 arguments, got 1"});
}

TEST_F(BadCalls, A05_a_misnamed_argument) {
  refused(
      [](Portal& frank) {
        return frank.run("cinema.place", {{"row", 1}, {"geust", "donny"}});
      },
      ErrorKind::invalid_argument, {"cinema.place(row, guest, note)", "no parameter \"geust\""});
}

TEST_F(BadCalls, A05_an_argument_named_twice) {
  with_daemon({.modules = {"cinema"}}, [](Portal& frank) {
    EXPECT_THROW(frank.run("cinema.place", {{"row", 1}, {"guest", "donny"}, {"row", 2}}), Error);
    EXPECT_EQ(frank.run(runs), 0);
  });
}

TEST_F(BadCalls, A06_a_number_that_does_not_fit_is_an_error_and_does_not_wrap) {
  refused([](Portal& frank) { return frank.run("cinema.place", 300, std::string("donny")); },
          ErrorKind::invalid_argument, {"cinema.place", "\"row\"", "int8 (-128 to 127), got int64 300"});
}

// --- what cannot travel is told to the caller ---

TEST_F(BadCalls, A06_an_argument_that_cannot_travel_names_function_and_parameter) {
  constexpr auto kTooLarge = std::numeric_limits<std::uint64_t>::max();
  const std::string why = " cannot travel: expected an integer that fits into int64, got 18446744073709551615";
  with_daemon({.modules = {"cinema"}}, [&](Portal& frank) {
    const auto refusal = [](auto&& call) {
      const CallError error = thrown<CallError>(call);
      EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
      return std::string(error.what());
    };
    EXPECT_EQ(refusal([&] {
                return frank.run(count_all, 1U, std::vector<std::uint64_t>{0, kTooLarge});
              }),
              "cinema.count_all(start, numbers): \"numbers\"" + why + " in item 1");
    EXPECT_EQ(refusal([&] { return frank.run(count_all, kTooLarge, std::vector<std::uint64_t>{}); }),
              "cinema.count_all(start, numbers): \"start\"" + why);
    EXPECT_EQ(refusal([&] { return frank.run(place, 300, "donny", std::nullopt); }),
              "cinema.place(row, guest, note): \"row\" cannot travel: expected int8 (-128 to 127), got int64 300");
    EXPECT_EQ(refusal([&] { return frank.run(place, 1.5, "donny", std::nullopt); }),
              "cinema.place(row, guest, note): \"row\" cannot travel: expected int8, got double 1.5");
    EXPECT_EQ(refusal([&] { return frank.run("cinema.place", 1, kTooLarge); }), "cinema.place: argument 2" + why);
    EXPECT_EQ(refusal([&] {
                return frank.run("cinema.place", {{"row", 1}, {"guest", kTooLarge}});
              }),
              "cinema.place: \"guest\"" + why);
    EXPECT_EQ(frank.run(runs), 0);
  });
}

TEST_F(BadCalls, A06_an_argument_of_a_one_shot_actor_that_cannot_travel_names_function_and_parameter) {
  run([] {
    const CallError error = thrown<CallError>(
        [] { open_nursery([](ActorNursery& n) { n.run_in_actor("frank", place, 300, "donny", std::nullopt); }); });
    EXPECT_TRUE(contains(error.what(), "cinema.place(row, guest, note): \"row\" cannot travel: expected int8"));
  });
}

TEST_F(BadCalls, A06_a_result_that_cannot_travel_names_the_function) {
  with_daemon({.modules = {"cinema"}}, [](Portal& frank) {
    const RemoteActorError error = remote_error([&] { return frank.run(too_large); });
    EXPECT_EQ(error.message(),
              "the result of cinema.too_large cannot travel: expected an integer that fits into int64, got "
              "18446744073709551615");
    EXPECT_EQ(error.type_name(), "tractor::EncodeError");
    EXPECT_EQ(frank.run(runs), 0);
  });
}

TEST_F(BadCalls, A05_a_wrong_part_of_a_tuple_a_map_and_an_optional) {
  refused(
      [](Portal& frank) {
        return frank.run("cinema.parts", Value(Value::List{1, 2}), Value(Value::Map{}));
      },
      ErrorKind::invalid_argument, {"cinema.parts(pair, map)", "\"pair\"", "expected string, got int64 2 in item 1"});
  refused([](Portal& frank) { return frank.run("cinema.parts", Value(Value::List{1}), Value(Value::Map{})); },
          ErrorKind::invalid_argument, {"\"pair\"", "expected tuple of (int32, string), got list of 1"});
  refused(
      [](Portal& frank) {
        const Value::Map seats{{"left", Value::Map{{"row", 1}, {"note", 7}}}};
        return frank.run("cinema.parts", {{"pair", Value(Value::List{1, "x"})}, {"map", Value(seats)}});
      },
      ErrorKind::invalid_argument, {"\"map\"", "expected string, got int64 7 in \"note\" in \"left\""});
}

TEST_F(BadCalls, A05_a_function_that_was_never_defined) {
  with_daemon({.modules = {"cinema"}}, [](Portal& frank) {
    EXPECT_TRUE(contains(usage_error([&] { frank.run(not_defined); }), "was not defined"));
  });
}

TEST_F(BadCalls, A05_a_result_that_is_not_what_the_caller_wants) {
  with_daemon({.modules = {"cinema"}}, [](Portal& frank) {
    const DecodeError error = thrown<DecodeError>([&] { return frank.run<int>("cinema.hi"); });
    EXPECT_TRUE(contains(error.what(), "cinema.hi"));
    EXPECT_TRUE(contains(error.what(), "expected int32, got string \"hi\""));
    EXPECT_EQ(frank.run(hi), "hi");
  });
}

TEST_F(BadCalls, A05_calls_by_name_take_positions_names_literals_and_leave_optionals_out) {
  with_daemon({.modules = {"cinema"}}, [](Portal& frank) {
    EXPECT_EQ(frank.run<int>("cinema.place", 1, "donny"), 6);
    EXPECT_EQ(frank.run<int>("cinema.place", 1, std::string("donny"), std::string("xx")), 8);
    EXPECT_EQ(frank.run<int>("cinema.place", {{"guest", "donny"}, {"row", 1}}), 6);
    EXPECT_EQ(frank.run<int>("cinema.place", {{"note", std::string_view("xx")}, {"guest", "donny"}, {"row", 1}}), 8);
    EXPECT_EQ(frank.run("cinema.hi"), Value("hi"));
    EXPECT_EQ(frank.run(runs), 4);
  });
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
