// Frames next to the generated messages of the contract, which have the last word.
#include "runtime/wire/frame.h"

#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "runtime/wire/value_codec.h"
#include "runtime/wire/value_wire.h"
#include "tractor/v1/link.pb.h"

namespace tractor {
namespace {

v1::Frame as_message(std::string_view bytes) {
  v1::Frame frame;
  EXPECT_TRUE(frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  return frame;
}

const CallRequest kRequest{.function = "scene.say_hello",
                           .arguments = {.positional = {1, "two", Value::List{3.0}}, .named = {{"four", nullptr}}},
                           .call_id = "call-7",
                           .timeout = std::chrono::milliseconds(1500),
                           .target_actor_id = "7f3a"};

TEST(Frame, a_call_is_what_the_contract_says) {
  FrameWriter writer;
  const std::string bytes(writer.open(7, kRequest));
  const v1::Frame frame = as_message(bytes);
  EXPECT_EQ(frame.call(), 7U);
  EXPECT_FALSE(frame.reply());
  EXPECT_EQ(frame.open().function(), "scene.say_hello");
  ASSERT_EQ(frame.open().args_size(), 3);
  EXPECT_EQ(decode(frame.open().args(1)), Value("two"));
  EXPECT_EQ(frame.open().named_args().at("four").kind_case(), v1::Value::kNullValue);
  EXPECT_EQ(frame.open().call_id(), "call-7");
  EXPECT_EQ(decode_duration(frame.open().timeout()), std::chrono::milliseconds(1500));
  EXPECT_EQ(frame.open().target_actor_id(), "7f3a");
  EXPECT_EQ(bytes, frame.SerializeAsString());
}

TEST(Frame, a_call_comes_back_as_it_was) {
  FrameWriter writer;
  const Frame frame = read_frame(writer.open(7, kRequest));
  ASSERT_EQ(frame.kind, FrameKind::open);
  CallRequest read;
  read_call(frame.body, read);
  EXPECT_EQ(read.function, kRequest.function);
  EXPECT_EQ(read.arguments.positional, kRequest.arguments.positional);
  EXPECT_EQ(read.arguments.named, kRequest.arguments.named);
  EXPECT_EQ(read.call_id, kRequest.call_id);
  EXPECT_EQ(read.timeout, kRequest.timeout);
  EXPECT_EQ(read.target_actor_id, kRequest.target_actor_id);
}

TEST(Frame, answers_are_what_the_contract_says) {
  FrameWriter writer;
  const v1::Frame value = as_message(writer.value(3, "f", Value("text")));
  EXPECT_TRUE(value.reply());
  EXPECT_EQ(decode(value.value()), Value("text"));
  EXPECT_EQ(as_message(writer.error(3, {.type = "t", .message = "m"})).error().message(), "m");
  EXPECT_TRUE(as_message(writer.cancel_ack(3, true)).cancel_ack().found());
  EXPECT_TRUE(as_message(writer.cancel_ack(3, false)).has_cancel_ack());
  EXPECT_EQ(as_message(writer.cancel(3, "why")).cancel().reason(), "why");
  EXPECT_EQ(as_message(writer.go_away("why")).go_away().reason(), "why");
  const v1::Frame chunk = as_message(writer.chunk(3, true, {.data = "piece", .total_bytes = 9, .last = true}));
  EXPECT_EQ(chunk.chunk().data(), "piece");
  EXPECT_EQ(chunk.chunk().total_bytes(), 9U);
  EXPECT_TRUE(chunk.chunk().last());
  const v1::Frame hello = as_message(writer.hello({.actor = {.name = "donny", .id = "7f3a"}, .max_calls = 5}));
  EXPECT_EQ(hello.hello().actor().name(), "donny");
  EXPECT_EQ(hello.hello().version_max(), 1U);
  EXPECT_EQ(hello.hello().max_calls(), 5U);
}

TEST(Frame, answers_come_back_as_they_were) {
  FrameWriter writer;
  EXPECT_EQ(read_value("f", read_frame(writer.value(3, "f", Value("text"))).body), Value("text"));
  EXPECT_EQ(read_error(read_frame(writer.error(3, {.message = "m"})).body).message, "m");
  EXPECT_TRUE(read_found(read_frame(writer.cancel_ack(3, true)).body));
  EXPECT_EQ(read_reason(FrameKind::cancel, read_frame(writer.cancel(3, "why")).body), "why");
  EXPECT_EQ(read_reason(FrameKind::go_away, read_frame(writer.go_away("why")).body), "why");
  const ChunkFrame chunk = read_chunk(read_frame(writer.chunk(3, false, {.data = "piece", .total_bytes = 9})).body);
  EXPECT_EQ(chunk.data, "piece");
  EXPECT_EQ(chunk.total_bytes, 9U);
  EXPECT_FALSE(chunk.last);
  EXPECT_EQ(read_hello(read_frame(writer.hello({.actor = {.name = "donny"}})).body).actor.name, "donny");
}

TEST(Frame, several_make_a_message) {
  FrameWriter writer;
  std::string bytes;
  append_frame(bytes, writer.cancel(1, ""));
  append_frame(bytes, writer.value(2, "f", Value(std::string(1000, 'x'))));
  v1::ConnectResponse message;
  ASSERT_TRUE(message.ParseFromString(bytes));
  EXPECT_EQ(message.frames_size(), 2);
  EXPECT_EQ(message.SerializeAsString(), bytes);
  std::vector<std::uint64_t> calls;
  for_each_frame(bytes, [&](const Frame& frame) { calls.push_back(frame.call); });
  EXPECT_EQ(calls, (std::vector<std::uint64_t>{1, 2}));
}

TEST(Frame, of_a_later_version_is_unknown_here) {
  v1::Frame later;
  later.set_call(4);
  std::string bytes = later.SerializeAsString();
  append_bytes_field(bytes, 99, "something new");
  EXPECT_EQ(read_frame(bytes).kind, FrameKind::unknown);
  EXPECT_EQ(read_frame(bytes).call, 4U);
}

TEST(Frame, arguments_that_cannot_travel_are_named) {
  FrameWriter writer;
  const auto refusal = [&](Arguments arguments) -> std::string {
    try {
      writer.open(1, {.function = "m.f", .arguments = std::move(arguments)});
    } catch (const CallError& e) {
      return e.what();
    }
    return "";
  };
  Value deep;
  for (int i = 0; i <= kMaxNesting; ++i) deep = Value::List{deep};
  EXPECT_TRUE(refusal({.positional = {1, deep}}).starts_with("m.f: argument 2: "))
      << refusal({.positional = {1, deep}});
  EXPECT_TRUE(refusal({.named = {{"x", deep}}}).starts_with("m.f: argument \"x\": "));
  EXPECT_TRUE(refusal({.named = {{"\xff", 1}}}).starts_with("m.f: the name of an argument "));
  EXPECT_THROW(writer.value(1, "m.f", deep), CallError);
}

// Whatever comes, it is read or refused.
TEST(Frame, damaged_bytes_are_refused_or_read) {
  google::protobuf::SetLogHandler(nullptr);  // it would tell of each
  FrameWriter writer;
  std::string good;
  append_frame(good, writer.open(7, kRequest));
  append_frame(good, writer.error(8, {.message = "m", .causes = {{.message = "c"}}}));
  append_frame(good, writer.chunk(9, true, {.data = "piece", .total_bytes = 9}));
  append_frame(good, writer.hello({}));
  std::mt19937 random(1);
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good.substr(0, random() % good.size() + 1);
    for (unsigned flips = random() % 4; flips > 0; --flips)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    try {
      for_each_frame(bytes, [](const Frame& frame) {
        CallRequest request;
        switch (frame.kind) {
          case FrameKind::open:
            return read_call(frame.body, request);
          case FrameKind::error:
            return static_cast<void>(read_error(frame.body));
          case FrameKind::chunk:
            return static_cast<void>(read_chunk(frame.body));
          case FrameKind::hello:
            return static_cast<void>(read_hello(frame.body));
          default:
            return;
        }
      });
    } catch (const WireFormatError&) {
      ++refused;
    } catch (const CallError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace tractor
