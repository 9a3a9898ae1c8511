#include "runtime/wire/error_codec.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "google/rpc/status.pb.h"
#include "runtime/wire/error_info.h"

namespace tractor {
namespace {

const ActorRef kHere{.name = "here", .id = "0123456789abcdef"};
const ActorRef kThere{.name = "there", .id = "fedcba9876543210"};

template <class E>
ErrorInfo info_of(E error, const ActorRef& here = kHere) {
  return error_info(std::make_exception_ptr(std::move(error)), here);
}

TEST(ErrorCodec, an_exception_starts_where_it_was_thrown) {
  const ErrorInfo info = info_of(std::out_of_range("too far"));
  EXPECT_EQ(info.type, "std::out_of_range");
  EXPECT_EQ(info.message, "too far");
  EXPECT_EQ(info.kind, ErrorKind::function);
  EXPECT_EQ(info.origin, kHere);
  EXPECT_TRUE(info.relay_path.empty());
  EXPECT_EQ(info_of(42).type, "int");
}

TEST(ErrorCodec, a_remote_error_keeps_its_origin_and_id_and_names_every_hop) {
  const ErrorInfo first = info_of(std::runtime_error("x"));
  const ErrorInfo second = error_info(exception_for(first), kThere);
  EXPECT_EQ(second.origin, kHere);
  EXPECT_EQ(second.relay_path, std::vector<ActorRef>{kThere});
  EXPECT_EQ(second.error_id, first.error_id);
}

TEST(ErrorCodec, a_group_carries_its_members) {
  const ExceptionGroup group(
      {std::make_exception_ptr(std::runtime_error("a")), std::make_exception_ptr(std::logic_error("b"))});
  const ErrorInfo info = info_of(group);
  ASSERT_EQ(info.causes.size(), 2U);
  EXPECT_EQ(info.causes[1].message, "b");
}

TEST(ErrorCodec, an_error_thrown_with_nested_keeps_the_inner_ones_as_causes) {
  const auto fail = [] {
    try {
      try {
        throw std::out_of_range("row 7");
      } catch (...) {
        std::throw_with_nested(std::logic_error("no seat"));
      }
    } catch (...) {
      std::throw_with_nested(std::runtime_error("no film"));
    }
  };
  try {
    fail();
  } catch (...) {
    const ErrorInfo info = error_info(std::current_exception(), kHere);
    EXPECT_EQ(info.type, "std::runtime_error");
    EXPECT_EQ(info.causes.at(0).type, "std::logic_error");
    EXPECT_EQ(info.causes.at(0).causes.at(0).message, "row 7");
  }
}

TEST(ErrorCodec, groups_in_groups_are_followed_only_so_deep) {
  std::exception_ptr error = std::make_exception_ptr(std::runtime_error("x"));
  for (int i = 0; i < 1000; ++i) error = std::make_exception_ptr(ExceptionGroup({error}));
  v1::Error wire;
  encode(error_info(error, kHere), wire);
  v1::Error back;
  EXPECT_TRUE(back.ParseFromString(wire.SerializeAsString()));
  const v1::Error* last = &back;
  while (last->causes_size() > 0) last = &last->causes(0);
  EXPECT_TRUE(last->truncated());
}

TEST(ErrorCodec, all_of_it_survives_the_wire) {
  ErrorInfo info = info_of(std::runtime_error("x"));
  info.relay_path = {kThere};
  info.stack_trace = {"f()", "g()"};
  info.causes = {info_of(std::logic_error("y"))};
  info.attributes = {{"signal", "9"}};
  info.data = Value::Map{{"row", 7}};
  v1::Error wire;
  encode(info, wire);
  const ErrorInfo back = decode(wire);
  EXPECT_EQ(back.relay_path, info.relay_path);
  EXPECT_EQ(back.stack_trace, info.stack_trace);
  EXPECT_EQ(back.causes.at(0).message, "y");
  EXPECT_EQ(back.attributes, info.attributes);
  EXPECT_EQ(back.data, info.data);
  EXPECT_EQ(back.kind, info.kind);
}

TEST(ErrorCodec, a_huge_text_is_cut_in_a_status_and_says_so) {
  const std::string huge(1 << 20, '\xff');
  const grpc::Status status = to_status(info_of(std::runtime_error(huge)));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNKNOWN);
  EXPECT_LT(status.error_message().size() + status.error_details().size(), 4U * 1024);
  EXPECT_NE(status.error_message().find("cut"), std::string::npos);
  const ErrorInfo back = from_status(status, kThere);
  EXPECT_TRUE(back.truncated);
  EXPECT_EQ(back.type, "std::runtime_error");
  EXPECT_EQ(back.origin, kHere);
}

TEST(ErrorCodec, nothing_that_others_chose_makes_a_status_too_large) {
  const std::string huge(1 << 20, 'x');
  const ErrorInfo all{.error_id = huge,
                      .type = huge,
                      .message = huge,
                      .origin = {.name = huge, .id = huge},
                      .relay_path = {{.name = huge, .id = huge}},
                      .stack_trace = {huge},
                      .causes = {ErrorInfo{.message = huge}},
                      .attributes = {{huge, huge}}};
  const grpc::Status status = to_status(all);
  EXPECT_LT(status.error_message().size() + status.error_details().size(), 4U * 1024);
  EXPECT_TRUE(from_status(status, kThere).truncated);
}

TEST(ErrorCodec, the_members_of_a_large_group_share_the_room_of_a_body_and_none_is_lost) {
  ErrorInfo group{.type = "tractor::ExceptionGroup"};
  for (int i = 0; i < 25; ++i)
    group.causes.push_back({.type = "std::runtime_error", .message = std::to_string(i) + std::string(4 << 20, 'x')});
  v1::Error wire;
  encode(group, wire);
  EXPECT_LT(wire.ByteSizeLong(), std::size_t{13} << 20);
  const ErrorInfo back = decode(wire);
  ASSERT_EQ(back.causes.size(), 25U);
  for (int i = 0; i < 25; ++i) {
    const ErrorInfo& member = back.causes[static_cast<std::size_t>(i)];
    EXPECT_TRUE(member.message.starts_with(std::to_string(i) + "xx"));
    EXPECT_TRUE(member.truncated);
  }
}

TEST(ErrorCodec, a_status_keeps_stack_and_causes_as_far_as_there_is_room) {
  ErrorInfo info = info_of(std::runtime_error("x"));
  info.stack_trace = {"f()", "g()"};
  for (int i = 0; i < 100; ++i) info.causes.push_back(info_of(std::logic_error("cause " + std::to_string(i))));
  const ErrorInfo back = from_status(to_status(info), kThere);
  EXPECT_TRUE(back.truncated);
  EXPECT_EQ(back.stack_trace, info.stack_trace);
  ASSERT_GT(back.causes.size(), 3U);
  EXPECT_LT(back.causes.size(), 100U);
  EXPECT_EQ(back.causes[3].message, "cause 3");
}

TEST(ErrorCodec, no_number_and_no_size_of_causes_makes_a_status_or_a_body_too_large) {
  for (const std::size_t type : {10, 50, 160, 300}) {
    for (std::size_t text = 0; text < 1200; text += 37) {
      ErrorInfo info{.error_id = std::string(32, 'i'),
                     .type = std::string(type, 't'),
                     .message = std::string(text, 'm'),
                     .origin = kHere};
      for (int i = 0; i < 100; ++i) {
        info.causes.push_back({.error_id = std::string(32, 'i'),
                               .type = std::string(type, 't'),
                               .message = std::string(300, 'c'),
                               .origin = kHere});
      }
      const grpc::Status status = to_status(info);
      ASSERT_LT(status.error_message().size() + status.error_details().size(), 4U * 1024) << type << ' ' << text;
      ASSERT_EQ(from_status(status, kThere).origin, kHere);
    }
  }
  ErrorInfo group{.type = "tractor::ExceptionGroup"};
  group.causes.resize(300'000, {.error_id = std::string(32, 'i'), .type = "std::runtime_error", .origin = kHere});
  v1::Error wire;
  encode(group, wire);
  EXPECT_LT(wire.ByteSizeLong(), std::size_t{13} << 20);
  EXPECT_GT(wire.causes_size(), 50'000);
  EXPECT_TRUE(wire.truncated());
}

TEST(ErrorCodec, causes_deeper_than_a_parser_follows_are_cut_at_every_hop) {
  ErrorInfo info{.message = "the first"};
  for (int i = 0; i < 200; ++i) info = {.message = std::to_string(i), .causes = {std::move(info)}};
  v1::Error wire;
  encode(info, wire);
  v1::Error back;
  EXPECT_TRUE(back.ParseFromString(wire.SerializeAsString()));
}

TEST(ErrorCodec, each_kind_has_its_status_code) {
  EXPECT_EQ(to_status(info_of(CallError(ErrorKind::invalid_argument, ""))).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(to_status(info_of(CallError(ErrorKind::not_found, ""))).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(to_status(info_of(CallError(ErrorKind::permission_denied, ""))).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(to_status(info_of(CallError(ErrorKind::unavailable, ""))).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(to_status(info_of(CallError(ErrorKind::resource_exhausted, ""))).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(to_status(info_of(CallError(ErrorKind::deadline_exceeded, ""))).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST(ErrorCodec, a_status_without_details_names_the_peer) {
  const ErrorInfo info = from_status({grpc::StatusCode::UNAVAILABLE, "Socket closed"}, kThere);
  EXPECT_EQ(info.kind, ErrorKind::unavailable);
  EXPECT_EQ(info.origin, kThere);
  EXPECT_EQ(from_status({grpc::StatusCode::UNKNOWN, "x", "no protobuf \xff"}, kThere).message, "x");
}

TEST(ErrorCodec, a_bare_cancellation_comes_from_a_server_that_ends) {
  EXPECT_EQ(from_status({grpc::StatusCode::CANCELLED, "CANCELLED"}, kThere).kind, ErrorKind::unavailable);
}

TEST(ErrorCodec, a_cancellation_is_thrown_as_one_that_says_who_asked) {
  ErrorInfo info{.kind = ErrorKind::cancelled, .attributes = {{"cancelled_by", "gretchen@91bc"}}};
  try {
    std::rethrow_exception(exception_for(info));
  } catch (const RemoteCancelled& e) {
    EXPECT_EQ(e.cancelled_by(), "gretchen@91bc");
  }
}

}  // namespace
}  // namespace tractor
