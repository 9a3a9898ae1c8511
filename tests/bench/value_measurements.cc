// What values cost on their way from C++ to bytes and back; no call is made.
#include <tractor/tractor.h>

#include "measurement.h"
#include "runtime/wire/value_codec.h"
#include "samples.h"
#include "tractor/internal/invoke.pb.h"

namespace bench {
namespace {

constexpr int kRepetitions = 100'000;  // a round

struct Order {
  std::int64_t number = 0;
  std::int32_t year = 0;
  std::uint8_t month = 0;
  bool paid = false;
  double price = 0;
  double weight = 0;
  std::string item = {};
  std::string customer = {};
  std::optional<int> discount = {};
  std::optional<std::string> note = {};
  bool operator==(const Order&) const = default;
};
BOOST_DESCRIBE_STRUCT(Order, (), (number, year, month, paid, price, weight, item, customer, discount, note))

std::int64_t count(std::int64_t start, const std::string& text, double factor) {
  return start + static_cast<std::int64_t>(text.size()) + static_cast<std::int64_t>(factor);
}

// Over the wire without a wire.
template <class Message>
Message parsed(const Message& message) {
  Message copy;
  if (!copy.ParseFromString(message.SerializeAsString())) throw tractor::Error("what was serialized does not parse");
  return copy;
}

// As caller and callee of portal.run(count, 1, "sixteen letters.", 2.0) do.
double nanoseconds_per_call() {
  const tractor::Function function = tractor::detail::make_function("bench", "count", count, "start", "text", "factor");
  const std::string name = function.qualified_name();
  const std::string text = "sixteen letters.";
  const Stopwatch watch;
  for (int i = 0; i < kRepetitions; ++i) {
    tractor::internal::InvokeRequest sent;
    sent.set_function(name);
    tractor::encode_arguments(name,
                              tractor::detail::encode_arguments(
                                  function, tractor::detail::Traits<decltype(&count)>::Parameters(), 1, text, 2.0),
                              *sent.mutable_args());
    const tractor::internal::InvokeRequest received = parsed(sent);
    const tractor::Value result =
        function.run({.positional = tractor::decode_arguments(received.function(), received.args())});
    if (result != tractor::Value(19)) throw tractor::Error("a call gave " + result.describe());
  }
  return watch.nanoseconds() / kRepetitions;
}

// As an actor returns it, and its caller takes it.
double nanoseconds_per_struct() {
  const std::string name = "bench.order";
  const Order order{.number = 4711,
                    .year = 2024,
                    .month = 12,
                    .paid = true,
                    .price = 9.99,
                    .weight = 0.25,
                    .item = "a red bicycle bell",
                    .customer = "gretchen",
                    .discount = 10,
                    .note = {}};
  const Stopwatch watch;
  for (int i = 0; i < kRepetitions; ++i) {
    tractor::internal::InvokeResponse sent;
    tractor::encode_result(name, tractor::Codec<Order>::encode(order), *sent.mutable_value());
    if (tractor::Codec<Order>::decode(tractor::decode_result(name, parsed(sent).value())) != order)
      throw tractor::Error("a struct came back as another");
  }
  return watch.nanoseconds() / kRepetitions;
}

}  // namespace

Measurement values() {
  return {.figures = {{"encode_call_ns", "ns", 1000, "encoding and decoding a call with three small arguments"},
                      {"encode_struct_ns", "ns", 2000, "encoding and decoding a described struct of ten members"}},
          .run = [](const Settings& settings) {
            return medians(settings, settings.rounds, [] {
              return Values{{"encode_call_ns", nanoseconds_per_call()}, {"encode_struct_ns", nanoseconds_per_struct()}};
            });
          }};
}

}  // namespace bench
