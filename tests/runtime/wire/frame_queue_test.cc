// How the frames of many calls share a link.
#include "runtime/wire/frame_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace tractor {
namespace {

struct Taken {
  std::uint64_t call;
  FrameKind kind;
};

std::vector<Taken> frames_of(const std::string& message) {
  std::vector<Taken> frames;
  for_each_frame(message, [&](const Frame& frame) { frames.push_back({frame.call, frame.kind}); });
  return frames;
}

std::string value_frame(std::uint64_t call, std::size_t bytes) {
  FrameWriter writer;
  return std::string(writer.value(call, "f", Value(std::string(bytes, static_cast<char>('a' + call)))));
}

TEST(FrameQueue, small_frames_go_together_in_the_order_they_came) {
  FrameQueue queue;
  EXPECT_TRUE(queue.empty());
  for (std::uint64_t call : {3, 1, 2}) queue.push(call, true, value_frame(call, 10));
  const std::vector<Taken> frames = frames_of(queue.take_message());
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[0].call, 3U);
  EXPECT_EQ(frames[2].call, 2U);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.take_message(), "");
}

TEST(FrameQueue, a_large_frame_comes_in_pieces_that_make_it_whole) {
  FrameQueue queue;
  const std::string frame = value_frame(1, 5 * FrameQueue::kPiece + 17);
  queue.push(1, true, frame);
  EXPECT_EQ(queue.large_bytes(), frame.size() - FrameQueue::kPiece);
  std::string whole;
  int messages = 0;
  bool last = false;
  while (!queue.empty()) {
    ++messages;
    for_each_frame(queue.take_message(), [&](const Frame& f) {
      ASSERT_EQ(f.kind, FrameKind::chunk);
      EXPECT_TRUE(f.reply);
      const ChunkFrame chunk = read_chunk(f.body);
      EXPECT_EQ(chunk.total_bytes, whole.empty() ? frame.size() : 0);
      EXPECT_FALSE(last);
      last = chunk.last;
      whole += chunk.data;
    });
  }
  EXPECT_TRUE(last);
  EXPECT_EQ(whole, frame);
  EXPECT_EQ(messages, 2);
  EXPECT_EQ(queue.large_bytes(), 0U);
}

TEST(FrameQueue, calls_begin_in_their_order_then_large_ones_take_turns) {
  FrameQueue queue;
  for (std::uint64_t call : {1, 2}) queue.push(call, false, value_frame(call, 3 * FrameQueue::kPiece));
  queue.push(3, false, value_frame(3, 10));
  const std::vector<Taken> frames = frames_of(queue.take_message());
  std::vector<std::uint64_t> calls;
  for (const Taken& frame : frames) calls.push_back(frame.call);
  EXPECT_EQ(calls, (std::vector<std::uint64_t>{1, 2, 3, 1, 2, 1, 2}));
}

TEST(FrameQueue, a_frame_does_not_overtake_a_large_one_of_its_call) {
  FrameQueue queue;
  FrameWriter writer;
  queue.push(1, false, value_frame(1, 6 * FrameQueue::kPiece));
  queue.push(1, false, writer.close_send(1, false));
  queue.push(1, true, writer.close_send(1, true));  // of another call: that number of the other side
  std::vector<Taken> frames = frames_of(queue.take_message());
  EXPECT_EQ(frames.at(1).kind, FrameKind::close_send);
  frames.clear();
  while (!queue.empty()) frames = frames_of(queue.take_message());
  EXPECT_EQ(frames.back().kind, FrameKind::close_send);
}

TEST(FrameQueue, a_frame_that_is_to_go_with_the_small_ones_overtakes_the_large) {
  FrameQueue queue;
  queue.push(1, false, value_frame(1, 6 * FrameQueue::kPiece));
  queue.take_message();
  queue.push_small(FrameWriter().cancel(1, ""));
  EXPECT_EQ(frames_of(queue.take_message()).at(0).kind, FrameKind::cancel);
}

TEST(FrameQueue, what_waits_of_a_call_can_be_taken_back_until_its_frame_is_whole) {
  FrameQueue queue;
  const std::uint64_t whole = queue.push(1, false, value_frame(1, 10));
  queue.push(1, false, value_frame(1, 2 * FrameQueue::kPiece));
  const std::uint64_t large = queue.push(2, false, value_frame(2, 9 * FrameQueue::kPiece));
  queue.push(2, false, value_frame(2, 10));
  queue.take_message();
  EXPECT_FALSE(queue.withdraw(1, false, whole));
  EXPECT_FALSE(queue.withdraw(2, true, large));
  EXPECT_TRUE(queue.withdraw(2, false, large));
  EXPECT_FALSE(queue.withdraw(2, false, large));
  while (!queue.empty()) {
    for (const Taken& frame : frames_of(queue.take_message())) EXPECT_EQ(frame.call, 1U);
  }
  EXPECT_EQ(queue.large_bytes(), 0U);
}

TEST(FrameQueue, tells_whether_a_frame_was_taken_whole) {
  FrameQueue queue;
  const std::uint64_t large = queue.push(1, false, value_frame(1, 6 * FrameQueue::kPiece));
  const std::uint64_t small = queue.push(2, false, value_frame(2, 10));
  EXPECT_FALSE(queue.taken(large));
  EXPECT_FALSE(queue.taken(small));
  queue.take_message();
  EXPECT_FALSE(queue.taken(large));
  EXPECT_TRUE(queue.taken(small));
  const std::uint64_t next = queue.push(2, false, value_frame(2, 10));
  EXPECT_FALSE(queue.taken(next));
  queue.take_message();
  EXPECT_TRUE(queue.taken(large));
  EXPECT_TRUE(queue.taken(next));
}

}  // namespace
}  // namespace tractor
