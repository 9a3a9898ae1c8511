// Values on their way to another process and back.
#include "harness.h"

namespace tractor::test {
namespace {

struct Part {
  std::string name = {};
  std::optional<int> count = {};
  bool operator==(const Part&) const = default;
};
BOOST_DESCRIBE_STRUCT(Part, (), (name, count))
struct Machine {
  std::int64_t serial = 0;
  std::vector<Part> parts = {};
  std::map<std::string, Part> by_name = {};
  std::optional<Part> spare = {};
  bool operator==(const Machine&) const = default;
};
BOOST_DESCRIBE_STRUCT(Machine, (), (serial, parts, by_name, spare))
struct Deluxe : Machine {
  double price = 0;
  bool operator==(const Deluxe&) const = default;
};
BOOST_DESCRIBE_STRUCT(Deluxe, (Machine), (price))

using Mixed = std::tuple<int, std::string, std::vector<double>>;
using Pairs = std::vector<std::pair<std::string, bool>>;

template <class T>
T echo(T value) {
  return value;
}
std::string repeat(std::int64_t count) { return std::string(static_cast<std::size_t>(count), 'x'); }
std::int64_t length(const std::string& text) { return static_cast<std::int64_t>(text.size()); }
std::int8_t narrow(std::int8_t value) { return value; }
std::string is_string_or_bytes(const Value& value) { return std::string(value.type_name()); }

Value nested_lists(int depth);

void define(Program& p) {
  p.module("values")
      .def("int64", echo<std::int64_t>)
      .def("uint64", echo<std::uint64_t>)
      .def("boolean", echo<bool>)
      .def("number", echo<double>)
      .def("single", echo<float>)
      .def("text", echo<std::string>)
      .def("bytes", echo<Value::Bytes>)
      .def("any", echo<Value>)
      .def("optional", echo<std::optional<int>>)
      .def("map", echo<std::map<std::string, std::vector<int>>>)
      .def("mixed", echo<Mixed>)
      .def("pairs", echo<Pairs>)
      .def("machine", echo<Machine>)
      .def("deluxe", echo<Deluxe>)
      .def("duration", echo<std::chrono::nanoseconds>)
      .def("nested_lists", nested_lists, "depth")
      .def("repeat", repeat, "count")
      .def("length", length, "text")
      .def("narrow", narrow, "value")
      .def("is_string_or_bytes", is_string_or_bytes);
}

class Values : public RealProcesses {
 protected:
  template <class F>
  void with_echo(F&& body) {
    with_daemon({.modules = {"values"}}, std::forward<F>(body));
  }
  // What comes back is what went.
  template <class T>
  static void survives(Portal& frank, const T& value) {
    EXPECT_TRUE(frank.run(echo<T>, value) == value);
  }
};

TEST_F(Values, A06_integers_survive_at_their_limits) {
  with_echo([](Portal& frank) {
    for (const std::int64_t value : {INT64_MIN, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1} << 53, INT64_MAX})
      survives(frank, value);
    survives(frank, std::uint64_t{INT64_MAX});
    survives(frank, true);
    survives(frank, false);
    EXPECT_EQ(frank.run(narrow, -128), -128);
    EXPECT_EQ(frank.run(narrow, 127), 127);
  });
}

TEST_F(Values, A06_an_integer_that_does_not_fit_is_an_error) {
  with_echo([](Portal& frank) {
    EXPECT_TRUE(contains(remote_error([&] { return frank.run("values.narrow", 300); }).message(), "got int64 300"));
    EXPECT_TRUE(contains(remote_error([&] { return frank.run("values.narrow", -129); }).message(), "got int64 -129"));
    EXPECT_TRUE(contains(remote_error([&] { return frank.run("values.uint64", -1); }).message(), "got int64 -1"));
    EXPECT_TRUE(contains(remote_error([&] { return frank.run("values.int64", 1.5); }).message(), "got double 1.5"));
    EXPECT_TRUE(contains(remote_error([&] { return frank.run("values.single", 0.1); }).message(), "got double 0.1"));
    EXPECT_TRUE(
        contains(remote_error([&] { return frank.run("values.number", (std::int64_t{1} << 53) + 1); }).message(),
                 "expected double"));
    EXPECT_EQ(thrown<DecodeError>([&] { return frank.run<std::int8_t>("values.int64", 300); }).what(),
              std::string("the result of values.int64: expected int8 (-128 to 127), got int64 300"));
    EXPECT_EQ(frank.run(narrow, 7), 7);
  });
}

TEST_F(Values, A06_doubles_survive_at_their_limits) {
  with_echo([](Portal& frank) {
    using Limits = std::numeric_limits<double>;
    for (const double value : {0.1, Limits::max(), Limits::lowest(), Limits::min(), Limits::denorm_min(),
                               Limits::infinity(), -Limits::infinity()}) {
      survives(frank, value);
    }
    EXPECT_TRUE(std::isnan(frank.run(echo<double>, Limits::quiet_NaN())));
    EXPECT_TRUE(std::signbit(frank.run(echo<double>, -0.0)));
    EXPECT_EQ(frank.run<double>("values.number", 7), 7.0);
    EXPECT_TRUE(std::isnan(frank.run(echo<float>, std::numeric_limits<float>::quiet_NaN())));
    survives(frank, std::numeric_limits<float>::max());
    survives(frank, -std::numeric_limits<float>::infinity());
  });
}

TEST_F(Values, A06_strings_and_bytes_survive) {
  std::string all_bytes;
  for (int i = 0; i < 256; ++i) all_bytes += static_cast<char>(i);
  std::string large(8 << 20, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 7 + (i >> 8));
  with_echo([&](Portal& frank) {
    const std::vector<std::string> texts = {"",        "hi",  std::string("a\0b", 3),   "Grüße, 世界 😀", "\xff\xfe",
                                            all_bytes, large, std::string(8 << 20, 'x')};
    for (const std::string& text : texts) {
      survives(frank, text);
      survives(frank, Value::Bytes{text});
    }
    EXPECT_EQ(frank.run(is_string_or_bytes, Value("Grüße")), "string");
    EXPECT_EQ(frank.run(is_string_or_bytes, Value("\xff")), "bytes");
    EXPECT_EQ(frank.run(is_string_or_bytes, Value(Value::Bytes{"abc"})), "bytes");
  });
}

TEST_F(Values, A06_containers_optionals_and_structs_survive) {
  with_echo([](Portal& frank) {
    survives(frank, std::optional<int>());
    survives(frank, std::optional<int>(0));
    EXPECT_EQ(frank.run<std::optional<int>>("values.optional"), std::nullopt);
    survives(frank, std::map<std::string, std::vector<int>>{});
    survives(frank, std::map<std::string, std::vector<int>>{{"", {}}, {"größer", {1, 2, 3}}});
    survives(frank, Mixed{7, "seven", {7.0, 7.5}});
    survives(frank, Pairs{{"a", true}, {"b", false}});
    const Machine machine{.serial = INT64_MIN,
                          .parts = {{"wheel", 4}, {"bell", {}}},
                          .by_name = {{"wheel", {"wheel", 4}}},
                          .spare = Part{"wheel", 1}};
    survives(frank, machine);
    survives(frank, Machine{});
    survives(frank, Deluxe{machine, 99.5});
    survives(frank, std::chrono::nanoseconds(1'234'567'890));
    survives(frank, -std::chrono::nanoseconds(1));
  });
}

TEST_F(Values, A06_any_value_survives) {
  with_echo([](Portal& frank) {
    const Value value = Value::Map{{"null", {}},
                                   {"list", Value::List{1, 2.5, "three", true, Value::List{}, Value::Map{}}},
                                   {"bytes", Value::Bytes{std::string("\0\xff", 2)}},
                                   {"message", Value::Message{"type.googleapis.com/my.Type", "\x08\x01"}}};
    EXPECT_EQ(frank.run(echo<Value>, value), value);
    EXPECT_EQ(frank.run("values.any", Value()), Value());
  });
}

// --- nesting ---

Value nested(int depth, const std::function<Value(Value)>& around) {
  Value value = "bottom";
  for (int i = 0; i < depth; ++i) value = around(std::move(value));
  return value;
}
Value in_list(Value value) { return Value::List{std::move(value)}; }
Value in_map(Value value) { return Value::Map{{"down", std::move(value)}}; }
Value in_both(Value value) {
  return Value::List{1, Value::Map{{"beside", Value::List{}}, {"down", std::move(value)}}, "after"};
}
// As a result only: the argument is a number.
Value nested_lists(int depth) { return nested(depth, in_list); }

TEST_F(Values, A06_lists_survive_a_hundred_deep) {
  with_echo([](Portal& frank) { survives(frank, nested(100, in_list)); });
}

TEST_F(Values, A06_maps_survive_a_hundred_deep) {
  with_echo([](Portal& frank) { survives(frank, nested(100, in_map)); });
}

TEST_F(Values, A06_lists_and_maps_in_each_other_survive_at_every_depth_up_to_the_limit) {
  with_echo([](Portal& frank) {
    for (int depth = 1; depth <= 63; ++depth) survives(frank, nested(depth, in_both));  // two levels each
    for (const int depth : {29, 30, 31, 32, 59, 60, 61, 127, 128}) survives(frank, nested(depth, in_map));
  });
}

TEST_F(Values, A06_a_one_shot_actor_takes_and_returns_what_is_a_hundred_deep) {
  run([] {
    open_nursery([](ActorNursery& n) {
      const Value deep = nested(100, in_map);
      EXPECT_TRUE(n.run_in_actor("deep", echo<Value>, deep).result() == deep);
    });
  });
}

TEST_F(Values, A06_an_argument_nested_too_deep_fails_that_call_alone) {
  with_echo([](Portal& frank) {
    for (const int depth : {129, 1000}) {
      const CallError error = thrown<CallError>([&] { return frank.run(echo<Value>, nested(depth, in_list)); });
      EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
      EXPECT_TRUE(contains(error.what(), "values.any: argument 1: a value nested more than 128 deep"));
    }
    EXPECT_TRUE(contains(thrown<CallError>([&] {
                           return frank.run("values.length", {{"text", nested(129, in_map)}});
                         }).what(),
                         "values.length: argument \"text\": a value nested more than 128 deep"));
    EXPECT_EQ(frank.run(echo<std::string>, "goes on"), "goes on");
  });
}

TEST_F(Values, A06_a_result_nested_too_deep_fails_that_call_alone) {
  with_echo([](Portal& frank) {
    EXPECT_TRUE(frank.run(nested_lists, 128) == nested(128, in_list));
    EXPECT_TRUE(contains(remote_error([&] { return frank.run(nested_lists, 129); }).message(),
                         "the result of values.nested_lists: a value nested more than 128 deep"));
    EXPECT_EQ(frank.run(echo<std::string>, "goes on"), "goes on");
  });
}

TEST_F(Values, A06_a_one_shot_actor_whose_argument_is_nested_too_deep_fails_saying_so) {
  run([] {
    const Error error = thrown<Error>([] {
      open_nursery([](ActorNursery& n) { n.run_in_actor("deep", echo<Value>, nested(129, in_list)).result(); });
    });
    EXPECT_TRUE(contains(error.what(), "values.any: argument 1: a value nested more than 128 deep"));
  });
}

TEST_F(Values, A06_a_map_key_that_is_no_utf8_survives_or_fails_that_call_alone) {
  using Map = std::map<std::string, std::vector<int>>;
  with_echo([](Portal& frank) {
    const Map map{{"\xff\xfe", {1}}};
    try {
      EXPECT_EQ(frank.run(echo<Map>, map), map);
    } catch (const Error& e) {
      EXPECT_TRUE(contains(e.what(), "values.map"));
      EXPECT_TRUE(contains(e.what(), "UTF-8"));
    }
    EXPECT_EQ(frank.run(echo<std::string>, "goes on"), "goes on");
  });
}

// --- the size limit ---

constexpr std::int64_t kMiB = 1 << 20;

TEST_F(Values, A07_arguments_over_the_limit_fail_that_call_alone) {
  with_echo([](Portal& frank) {
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] { EXPECT_EQ(frank.run(length, std::string(63 * kMiB, 'x')), 63 * kMiB); });
      const std::string too_long(65 * kMiB, 'x');
      const CallError error = thrown<CallError>([&] { return frank.run(length, too_long); });
      EXPECT_EQ(error.kind(), ErrorKind::resource_exhausted);
      EXPECT_TRUE(contains(error.what(), "values.length"));
      EXPECT_TRUE(contains(error.what(), std::to_string(64 * kMiB)));
      EXPECT_TRUE(contains(error.what(), "6815"));  // 65 MiB and something
    });
    EXPECT_EQ(frank.run(length, "abc"), 3);
  });
}

TEST_F(Values, A07_a_result_over_the_limit_fails_that_call_alone) {
  with_echo([](Portal& frank) {
    open_task_nursery([&](TaskNursery& t) {
      t.start_soon([&] { EXPECT_EQ(frank.run(repeat, 63 * kMiB).size(), static_cast<std::size_t>(63 * kMiB)); });
      const RemoteActorError error = remote_error([&] { return frank.run(repeat, 65 * kMiB); });
      EXPECT_EQ(error.kind(), ErrorKind::resource_exhausted);
      EXPECT_TRUE(contains(error.message(), "values.repeat"));
      EXPECT_TRUE(contains(error.message(), std::to_string(64 * kMiB)));
      EXPECT_TRUE(contains(error.message(), "6815"));
    });
    EXPECT_EQ(frank.run(length, "abc"), 3);
  });
}

TEST_F(Values, A07_a_one_shot_actor_whose_result_is_over_the_limit_fails_saying_so) {
  run([] {
    const RemoteActorError error =
        remote_error([] { open_nursery([](ActorNursery& n) { n.run_in_actor("big", repeat, 65 * kMiB).result(); }); });
    EXPECT_EQ(error.kind(), ErrorKind::resource_exhausted);
    EXPECT_TRUE(contains(error.what(), "values.repeat"));
    EXPECT_TRUE(contains(error.what(), std::to_string(64 * kMiB)));
  });
}

TEST_F(Values, A07_a_one_shot_actor_whose_arguments_are_over_the_limit_fails_saying_so) {
  run([] {
    const Error error = thrown<Error>([] {
      open_nursery([](ActorNursery& n) { n.run_in_actor("big", length, std::string(65 * kMiB, 'x')).result(); });
    });
    EXPECT_TRUE(contains(error.what(), "values.length"));
    EXPECT_TRUE(contains(error.what(), std::to_string(64 * kMiB)));
  });
}

TEST_F(Values, A07_a_one_shot_actor_takes_and_returns_what_is_just_below_the_limit) {
  run([] {
    open_nursery([](ActorNursery& n) {
      EXPECT_EQ(n.run_in_actor("big", repeat, 63 * kMiB).result().size(), static_cast<std::size_t>(63 * kMiB));
      EXPECT_EQ(n.run_in_actor("long", length, std::string(63 * kMiB, 'x')).result(), 63 * kMiB);
    });
  });
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
