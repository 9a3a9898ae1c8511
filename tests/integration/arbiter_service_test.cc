// What an arbiter answers on the wire: registering and watching, from any language.
#include "arbiter_wire.h"

namespace tractor::test {
namespace {

using Lines = std::vector<std::string>;
using Ids = std::vector<std::string>;

class ArbiterService : public RealProcesses {
 protected:
  ArbiterService() { keeps_descriptors(); }  // gRPC's blocking calls poll with some of their own
  void TearDown() override {
    arbiter_.signal(SIGTERM);
    EXPECT_EQ(arbiter_.wait(), Exit{.code = 0}) << arbiter_.err();
    RealProcesses::TearDown();
  }

  ScratchDirectory scratch_;
  const std::string socket_ = "unix:" + scratch_ / "a.sock";
  Process arbiter_ = start_arbiter({"--listen", socket_, "--log", "error"});
  Wire wire_{socket_};
};

void define(Program& /*p*/) {}

// A tree that reads no answer.
TRACTOR_SCENARIO(floods) {
  Wire wire(arguments.at(0));
  Tree tree(wire);
  std::cout << "welcome" << std::endl;
  v1::RegisterRequest request;
  request.mutable_heartbeat();
  while (true) tree.send(request);
}

// Takes much ahead: when it is stopped it is the socket that fills.
TRACTOR_SCENARIO(watches) {
  grpc::ChannelArguments wide;
  wide.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 16 << 20);
  Wire wire(arguments.at(0), wide);
  for (Watcher watcher(wire);;) std::cout << watcher.next() << std::endl;
}

// --- registering ---

TEST_F(ArbiterService, registrations_on_this_host_have_no_lease_and_end_with_their_stream) {
  Tree tree(wire_);
  EXPECT_EQ(tree.welcome.ttl().seconds(), 0);
  EXPECT_EQ(tree.add(registration("a", "1"))->added(), "1");
  EXPECT_EQ(wire_.find("a"), Ids{"1"});
  tree.lose();
  EXPECT_TRUE(eventually([&] { return wire_.find("a").empty(); }, 1s * kSlowness));
}

TEST_F(ArbiterService, a_goodbye_ends_the_registrations_and_the_stream) {
  Tree tree(wire_);
  tree.add(registration("a", "1"));
  v1::RegisterRequest goodbye;
  goodbye.mutable_goodbye();
  tree.send(goodbye);
  EXPECT_TRUE(tree.end().ok());
  EXPECT_TRUE(wire_.find("a").empty());
}

TEST_F(ArbiterService, namespaces_are_apart) {
  Tree red(wire_, "red");
  Tree nameless(wire_);
  red.add(registration("a", "1"));
  nameless.add(registration("a", "2"));
  EXPECT_EQ(wire_.find("a", "red"), Ids{"1"});
  EXPECT_EQ(wire_.find("a"), Ids{"2"});
  EXPECT_TRUE(wire_.find("a", "blue").empty());
  Watcher watcher(wire_, "", 0, "red");
  EXPECT_EQ(watcher.next(2), (Lines{"+a/1 @2", "end @2"}));
  nameless.add(registration("b", "3"));
  red.add(registration("b", "4"));
  EXPECT_EQ(watcher.next(), "+b/4 @4");
}

TEST_F(ArbiterService, what_cannot_be_registered_is_refused_and_the_rest_goes_on) {
  Tree tree(wire_);
  const auto refused = [&](const v1::Registration& bad, const Lines& parts) {
    const auto reply = tree.add(bad);
    ASSERT_TRUE(reply && reply->has_refused());
    EXPECT_EQ(reply->refused().actor_id(), bad.actor_id());
    EXPECT_FALSE(reply->refused().try_again());
    for (const std::string& part : parts) EXPECT_TRUE(contains(reply->refused().reason(), part));
  };
  refused(registration("two\nlines", "1"), {"control characters", "two\\nlines"});
  refused(registration(std::string(256, 'x'), "1"), {"255 bytes"});
  refused(registration("", "1"), {"needs a name"});
  refused(registration("a", ""), {"needs an id"});
  v1::Registration nowhere = registration("a", "1");
  nowhere.add_addresses("nowhere");
  refused(nowhere, {"\"nowhere\""});
  nowhere.clear_addresses();
  refused(nowhere, {"needs an address"});
  v1::Registration huge = registration("a", "1");
  huge.add_modules(std::string(17'000, 'm'));
  refused(huge, {"at most 16384 bytes"});
  EXPECT_EQ(tree.add(registration("a", "1", 7))->added(), "1");
  refused(registration("a", "1", 6), {"incarnation 7"});
  EXPECT_EQ(wire_.find("a"), Ids{"1"});
}

TEST_F(ArbiterService, a_stream_that_does_not_begin_as_it_must_is_ended_with_the_reason) {
  const auto ends_with = [&](const v1::RegisterRequest& first, grpc::StatusCode code, const std::string& part) {
    grpc::ClientContext context;
    context.set_deadline(soon());
    const auto stream = wire_.stub().Register(&context);
    stream->Write(first);
    v1::RegisterResponse response;
    EXPECT_FALSE(stream->Read(&response));
    const grpc::Status status = stream->Finish();
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_TRUE(contains(status.error_message(), part));
  };
  v1::RegisterRequest request;
  request.mutable_heartbeat();
  ends_with(request, grpc::StatusCode::INVALID_ARGUMENT, "begins with a hello");
  request.mutable_hello()->set_version(2);
  ends_with(request, grpc::StatusCode::FAILED_PRECONDITION, "version 1 of the registration, not 2");
  request.mutable_hello()->set_version(1);
  request.mutable_hello()->set_namespace_("a\nb");
  ends_with(request, grpc::StatusCode::INVALID_ARGUMENT, "a namespace has no control characters");
  request.mutable_hello()->set_namespace_("a");
  request.mutable_hello()->set_tree_id(std::string(256, 'x'));
  ends_with(request, grpc::StatusCode::INVALID_ARGUMENT, "a tree's id has at most 255 bytes");
}

TEST_F(ArbiterService, a_heartbeat_is_answered) {
  Tree tree(wire_);
  v1::RegisterRequest request;
  request.mutable_heartbeat()->set_sent_at(17);
  EXPECT_EQ(tree.ask(request)->renewed(), 17U);
}

TEST_F(ArbiterService, clients_that_do_not_read_do_not_keep_it_from_ending) {
  const std::string socket = "unix:" + scratch_ / "b.sock";
  Process arbiter = start_arbiter({"--listen", socket, "--log", "error"});
  Wire wire(socket);
  Tree tree(wire);
  Process floods = Process::as("floods", {socket});
  ASSERT_TRUE(floods.prints("welcome"));
  Process watches = Process::as("watches", {socket});
  ASSERT_TRUE(watches.prints("end @0"));
  watches.signal(SIGSTOP);
  for (std::uint64_t i = 1; i <= 3000; ++i) tree.add(registration(std::string(200, 'a'), "1", i));
  floods.signal(SIGSTOP);
  arbiter.signal(SIGTERM);
  EXPECT_EQ(arbiter.wait(), Exit{.code = 0}) << arbiter.err();
}

// --- watching ---

TEST_F(ArbiterService, a_watch_tells_what_there_is_and_then_every_change_in_order) {
  Tree tree(wire_);
  tree.add(registration("b", "1", 1));
  tree.add(registration("a", "2", 2));
  tree.add(registration("b", "3", 3));
  Watcher watcher(wire_);
  EXPECT_EQ(watcher.next(4), (Lines{"+a/2 @3", "+b/3 @3", "+b/1 @3", "end @3"}));
  EXPECT_EQ(watcher.last.epoch(), tree.welcome.epoch());
  tree.remove("3");
  tree.add(registration("c", "1", 4));  // another name, the same actor
  EXPECT_EQ(watcher.next(2), (Lines{"-b/3 @4", "+c/1 @5"}));
  tree.lose();
  EXPECT_EQ(watcher.next(2), (Lines{"-c/1 @5", "-a/2 @6"}));  // together: who has seen one only begins before it again
}

TEST_F(ArbiterService, a_watch_goes_on_where_it_was_without_a_gap) {
  Tree tree(wire_);
  tree.add(registration("a", "1"));
  std::string epoch;
  {
    Watcher watcher(wire_);
    EXPECT_EQ(watcher.next(2), (Lines{"+a/1 @1", "end @1"}));
    epoch = watcher.last.epoch();
  }
  tree.add(registration("a", "2"));
  tree.remove("1");
  Watcher again(wire_, epoch, 1);
  EXPECT_EQ(again.next(2), (Lines{"+a/2 @2", "-a/1 @3"}));
  tree.add(registration("a", "3"));
  EXPECT_EQ(again.next(), "+a/3 @4");
}

TEST_F(ArbiterService, who_watches_from_the_future_or_another_epoch_has_to_start_over) {
  Tree tree(wire_);
  tree.add(registration("a", "1"));
  Watcher future(wire_, tree.welcome.epoch(), 2);
  EXPECT_EQ(future.next(2), (Lines{"start over @1", ""}));
  Watcher stranger(wire_, "another", 1);
  EXPECT_EQ(stranger.next(2), (Lines{"start over @1", ""}));
}

// The log has 4096 changes. Nothing is kept for a watcher that does not read.
TEST_F(ArbiterService, a_watcher_that_is_too_slow_has_to_start_over_and_others_go_on) {
  Tree tree(wire_);
  grpc::ChannelArguments small_window;  // of what gRPC receives ahead
  small_window.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  Wire slow_wire(socket_, small_window);
  Watcher slow(slow_wire);
  Watcher quick(wire_);
  ASSERT_EQ(quick.next(), "end @0");
  constexpr int kRounds = 6000;
  for (int i = 0; i < kRounds; ++i) {
    v1::RegisterRequest request;
    *request.mutable_add() = registration(std::string(200, 'a'), "1", static_cast<std::uint64_t>(i));
    tree.ask(request);
    ASSERT_TRUE(quick.next().ends_with(" @" + std::to_string(i + 1)));
  }
  int seen = 0;
  std::string line = slow.next();
  while (!line.empty() && !line.starts_with("start over")) {
    ++seen;
    line = slow.next();
  }
  EXPECT_EQ(line, "start over @" + std::to_string(kRounds));
  EXPECT_EQ(slow.next(), "");
  EXPECT_LT(seen, kRounds - 4096);
}

TEST_F(ArbiterService, a_hundred_watchers_are_all_told) {
  Tree tree(wire_);
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (int i = 0; i < 100; ++i) {
    watchers.push_back(std::make_unique<Watcher>(wire_));
    ASSERT_EQ(watchers.back()->next(), "end @0");
  }
  tree.add(registration("a", "1"));
  for (const auto& watcher : watchers) EXPECT_EQ(watcher->next(), "+a/1 @1");
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
