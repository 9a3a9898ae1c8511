// What values cost on their way from C++ to bytes and back; no call is made.
#include <tractor/tractor.h>

#include "measurement.h"
#include "runtime/wire/frame.h"
#include "samples.h"

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

std::string_view body_of(std::string_view frame) { return tractor::read_frame(frame).body; }

// As caller and callee of portal.run(count, 1, "sixteen letters.", 2.0) do.
double nanoseconds_per_call() {
  const tractor::Function function = tractor::detail::make_function("bench", "count", count, "start", "text", "factor");
  const std::string name = function.qualified_name;
  const std::string text = "sixteen letters.";
  tractor::FrameWriter writer;
  const Stopwatch watch;
  for (int i = 0; i < kRepetitions; ++i) {
    const tractor::CallRequest sent{
        .function = name,
        .arguments = {.positional = tractor::detail::encode_arguments(
                          function, tractor::detail::Traits<decltype(&count)>::Parameters(), 1, text, 2.0)}};
    tractor::CallRequest received;
    tractor::read_call(body_of(writer.open(1, sent)), received);
    const tractor::Value answer = function.run(std::move(received.arguments), {});
    const tractor::Value result = tractor::read_value(name, body_of(writer.value(1, name, answer)));
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
  tractor::FrameWriter writer;
  const Stopwatch watch;
  for (int i = 0; i < kRepetitions; ++i) {
    const std::string_view sent = writer.value(1, name, tractor::Codec<Order>::encode(order));
    if (tractor::Codec<Order>::decode(tractor::read_value(name, body_of(sent))) != order)
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
