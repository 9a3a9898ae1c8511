// C++ types of a program's own, and those with rules of their own, on their way to another process and back.
#include <google/protobuf/timestamp.pb.h>

#include "harness.h"

namespace tractor::test {
namespace {

using google::protobuf::Timestamp;
using namespace std::chrono;

enum class Colour { red, green, blue };
BOOST_DESCRIBE_ENUM(Colour, red, green, blue)

struct Base {
  std::string name = {};
  std::optional<Colour> colour = {};
  bool operator==(const Base&) const = default;
};
BOOST_DESCRIBE_STRUCT(Base, (), (name, colour))
struct Derived : Base {
  std::array<double, 2> size = {};
  std::optional<Base> inside = {};
  std::vector<std::optional<int>> numbers = {};
  bool operator==(const Derived&) const = default;
};
BOOST_DESCRIBE_STRUCT(Derived, (Base), (size, inside, numbers))

struct Node {
  int number = 0;
  std::vector<Node> next = {};
};
BOOST_DESCRIBE_STRUCT(Node, (), (number, next))
Node chain(int length) {
  Node node;
  for (int i = 1; i < length; ++i) {
    Node outer{.number = i};
    outer.next.push_back(std::move(node));
    node = std::move(outer);
  }
  return node;
}
int length_of(const Node& node) { return node.next.empty() ? 1 : 1 + length_of(node.next.front()); }

template <class T>
T echo(T value) {
  return value;
}
Timestamp later(const Timestamp& time, nanoseconds by) {
  Timestamp result = time;
  result.set_seconds(time.seconds() + duration_cast<seconds>(by).count());
  return result;
}
std::string greet(const std::optional<std::string>& greeting, const std::string& name,
                  const std::optional<Colour>& colour) {
  return greeting.value_or("hello") + ' ' + (colour == Colour::red ? "red " : "") + name;
}

void define(Program& p) {
  p.module("typed")
      .def("colour", echo<Colour>)
      .def("derived", echo<Derived>)
      .def("array", echo<std::array<std::int16_t, 3>>)
      .def("nanoseconds", echo<nanoseconds>)
      .def("milliseconds", echo<milliseconds>)
      .def("int8", echo<std::int8_t>)
      .def("optional_int8", echo<std::optional<std::int8_t>>)
      .def("pair_of_int8", echo<std::pair<std::int8_t, std::int8_t>>)
      .def("float", echo<float>)
      .def("double", echo<double>)
      .def("uint8", echo<std::uint8_t>)
      .def("int16", echo<std::int16_t>)
      .def("uint16", echo<std::uint16_t>)
      .def("int32", echo<std::int32_t>)
      .def("uint32", echo<std::uint32_t>)
      .def("pair", echo<std::pair<std::string, float>>)
      .def("chain", chain, "length")
      .def("length_of", length_of, "node")
      .def("later", later, "time", "by")
      .def("greet", greet, "greeting", "name", "colour");
}

class TypedValues : public RealProcesses {
 protected:
  template <class F>
  void with_frank(F&& body) {
    with_daemon({.modules = {"typed"}}, std::forward<F>(body));
  }
  // What comes back is what went.
  template <class T>
  static void survives(Portal& frank, const T& value) {
    EXPECT_TRUE(frank.run(echo<T>, value) == value);
  }
  template <class T>
  static void limits_survive(Portal& frank) {
    survives(frank, std::numeric_limits<T>::min());
    survives(frank, std::numeric_limits<T>::max());
  }
};

TEST_F(TypedValues, A06_integers_of_every_width_survive_at_their_limits) {
  with_frank([](Portal& frank) {
    limits_survive<std::int8_t>(frank);
    limits_survive<std::uint8_t>(frank);
    limits_survive<std::int16_t>(frank);
    limits_survive<std::uint16_t>(frank);
    limits_survive<std::int32_t>(frank);
    limits_survive<std::uint32_t>(frank);
  });
}

TEST_F(TypedValues, A06_numbers_that_do_not_fit_are_errors_in_typed_calls_too) {
  with_frank([](Portal& frank) {
    const auto refused = [&](auto function, const auto& argument) {
      EXPECT_EQ(thrown<CallError>([&] { return frank.run(function, argument), 0; }).kind(),
                ErrorKind::invalid_argument);
    };
    refused(echo<std::int8_t>, 300);
    refused(echo<std::optional<std::int8_t>>, 300);
    refused(echo<std::optional<std::int8_t>>, std::optional<int>(300));
    refused(echo<std::pair<std::int8_t, std::int8_t>>, std::pair(1, 300));
    refused(echo<float>, 1e300);
    refused(echo<milliseconds>, seconds::max());
    refused(echo<nanoseconds>, hours(3'000'000));
    refused(echo<double>, (std::int64_t{1} << 53) + 1);
    EXPECT_EQ(frank.run(echo<std::optional<std::int8_t>>, 100), std::int8_t{100});
    EXPECT_EQ(frank.run(echo<std::optional<std::int8_t>>, std::nullopt), std::nullopt);
    EXPECT_EQ(frank.run(echo<float>, 0.1), 0.1F);
    EXPECT_EQ(frank.run(echo<double>, 3), 3.0);
    EXPECT_EQ(frank.run(echo<milliseconds>, 3h), 3h);
    EXPECT_EQ(frank.run(echo<std::pair<std::string, float>>, std::pair("tenth", 0.1)),
              std::pair(std::string("tenth"), 0.1F));
  });
}

TEST_F(TypedValues, A06_enums_and_arrays_survive) {
  with_frank([](Portal& frank) {
    for (const Colour colour : {Colour::red, Colour::green, Colour::blue}) survives(frank, colour);
    EXPECT_EQ(frank.run("typed.colour", "blue"), Value("blue"));
    survives(frank, std::array<std::int16_t, 3>{-32768, 0, 32767});
    EXPECT_EQ(remote_error([&] { return frank.run("typed.colour", "pink"); }).message(),
              "typed.colour(arg1): for \"arg1\" it expected one of red, green, blue, got string \"pink\"");
    EXPECT_TRUE(contains(remote_error([&] {
                           return frank.run("typed.array", std::vector<int>{1, 2});
                         }).message(),
                         "expected list of 3 int16, got list of 2"));
    EXPECT_TRUE(contains(thrown<CallError>([&] { return frank.run(echo<Colour>, static_cast<Colour>(9)); }).what(),
                         "typed.colour(arg1): \"arg1\" cannot travel: expected one of red, green, blue, got 9"));
  });
}

TEST_F(TypedValues, A06_structs_with_bases_optionals_and_structs_inside_survive) {
  with_frank([](Portal& frank) {
    survives(frank, Derived{});
    survives(frank, Derived{{"outer", Colour::blue}, {0.5, -1e300}, Base{"inner", {}}, {1, {}, 3}});
    const Derived with_defaults = frank.run<Derived>("typed.derived", Value(Value::Map{
                                                                          {"name", "outer"},
                                                                          {"size", Value::List{1, 2}},
                                                                          {"numbers", Value::List{}},
                                                                      }));
    EXPECT_EQ(with_defaults, (Derived{{"outer", {}}, {1, 2}, {}, {}}));
  });
}

TEST_F(TypedValues, A06_a_struct_nested_too_deep_fails_that_call_alone) {
  with_frank([](Portal& frank) {
    EXPECT_EQ(length_of(frank.run(chain, 50)), 50);
    EXPECT_EQ(frank.run(length_of, chain(50)), 50);
    for (const int length : {100, 10'000}) {
      EXPECT_TRUE(contains(remote_error([&] { return frank.run(chain, length); }).message(), "128 deep"));
      EXPECT_TRUE(contains(thrown<Error>([&] { return frank.run(length_of, chain(length)); }).what(), "128 deep"));
    }
    EXPECT_EQ(frank.run(echo<double>, 3), 3.0);
  });
}

TEST_F(TypedValues, A06_a_text_in_an_error_is_cut_between_characters) {
  with_frank([](Portal& frank) {
    std::string text = "a";
    for (int i = 0; i < 40; ++i) text += "\u00e9";
    EXPECT_TRUE(contains(remote_error([&] { return frank.run("typed.int8", text); }).message(), "a\u00e9\u00e9"));
  });
}

TEST_F(TypedValues, A06_optional_arguments_may_be_left_out_at_the_end_and_by_name_anywhere) {
  with_frank([](Portal& frank) {
    EXPECT_EQ(frank.run(greet, std::nullopt, "you", std::nullopt), "hello you");
    EXPECT_EQ(frank.run<std::string>("typed.greet", "hi", "you"), "hi you");
    EXPECT_EQ(frank.run<std::string>("typed.greet", {{"name", "you"}}), "hello you");
    EXPECT_EQ(frank.run<std::string>("typed.greet", {{"colour", "red"}, {"name", "you"}}), "hello red you");
    EXPECT_EQ(frank.run<std::string>("typed.greet", Value(), "you", Colour::red), "hello red you");
  });
}

TEST_F(TypedValues, A06_durations_survive_at_their_limits) {
  with_frank([](Portal& frank) {
    for (const nanoseconds duration : {nanoseconds::min(), nanoseconds(-1), 0ns, 1ns, nanoseconds(3h) + 1ns,
                                       nanoseconds::max() - 1ns, nanoseconds::max()}) {
      survives(frank, duration);
    }
    EXPECT_EQ(frank.run<milliseconds>("typed.milliseconds", 0.25), 250ms);
    EXPECT_EQ(frank.run<milliseconds>("typed.milliseconds", 2), 2s);
    EXPECT_TRUE(contains(remote_error([&] { return frank.run("typed.nanoseconds", 1e10); }).message(),
                         "typed.nanoseconds(arg1): for \"arg1\" it expected duration of at most 9223372036.854776 s"));
    EXPECT_TRUE(contains(thrown<CallError>([&] { return frank.run(echo<milliseconds>, milliseconds::max()); }).what(),
                         "typed.milliseconds(arg1): \"arg1\" cannot travel: expected a duration of at most 10,000"));
  });
}

TEST_F(TypedValues, A06_protobuf_messages_are_parameters_and_results) {
  with_frank([](Portal& frank) {
    Timestamp time;
    time.set_seconds(1'700'000'000);
    time.set_nanos(999'999'999);
    EXPECT_EQ(frank.run(later, time, 90s).seconds(), 1'700'000'090);
    EXPECT_EQ(frank.run<Timestamp>("typed.later", {{"by", 1}, {"time", time}}).nanos(), 999'999'999);
    EXPECT_EQ(remote_error([&] { return frank.run("typed.later", "now", 1); }).message(),
              "typed.later(time, by): for \"time\" it expected google.protobuf.Timestamp, got string \"now\"");
    EXPECT_EQ(thrown<DecodeError>([&] { return frank.run<Timestamp>("typed.colour", "red"); }).what(),
              std::string("the result of typed.colour: expected google.protobuf.Timestamp, got string \"red\""));
  });
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
