#include "arbiter/tree_registrar.h"

#include <grpcpp/channel.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "arbiter/addresses.h"
#include "arbiter/check.h"
#include "arbiter/claim.h"
#include "arbiter/exclusive_name.h"
#include "runtime/log.h"
#include "runtime/wire/actor_info_codec.h"
#include "runtime/wire/completion_queue.h"
#include "runtime/wire/duration_text.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/ledger_event_codec.h"
#include "runtime/wire/outbox.h"
#include "runtime/wire/value_codec.h"
#include "tractor/v1/arbiter.grpc.pb.h"

namespace tractor::arbiter {
namespace {

// Before the arbiter is tried again, about: after the first failure, and after many.
constexpr Clock::duration kFirstPause = std::chrono::milliseconds(100);
constexpr Clock::duration kLongestPause = std::chrono::milliseconds(800);
// How often loads are told when they have changed, and registrations tried again that an arbiter could not take.
constexpr Clock::duration kBeat = std::chrono::seconds(1);
// Heartbeats in a lease: two may be late, or lost.
constexpr int kHeartbeatsPerLease = 3;
constexpr Clock::duration kRecordTimeout = std::chrono::seconds(1);

v1::RegisterRequest add_request(const ActorInfo& info) {
  v1::RegisterRequest request;
  *request.mutable_add() = encode(info);
  return request;
}

}  // namespace

Clock::duration reconnect_pause(int failures, std::minstd_rand& random) {
  const Clock::duration pause = std::min(kFirstPause * (1 << std::min(failures - 1, 10)), kLongestPause);
  return Clock::duration(std::uniform_int_distribution<Clock::rep>(pause.count() / 2, pause.count() * 3 / 2)(random));
}

struct TreeRegistrar::Connection {
  using Stream = grpc::ClientAsyncReaderWriter<v1::RegisterRequest, v1::RegisterResponse>;
  Connection(const WireContext& wire, const std::string& address)
      : stub(v1::ArbiterService::NewStub(open_channel(address, wire.unreachable_after))) {
    add_metadata(context, wire, address);
    stream = stub->PrepareAsyncRegister(&context, wire.port->queue());
    outbox.emplace(*stream);
  }
  grpc::ClientContext context;
  std::unique_ptr<v1::ArbiterService::Stub> stub;
  std::unique_ptr<Stream> stream;
  std::optional<Outbox<Stream, v1::RegisterRequest>> outbox;
  bool welcomed = false;
  bool claimed = false;
  bool ended = false;
  Clock::time_point opened = {};      // its lease began then, or later
  Clock::time_point renewed = {};     // it was, last
  Clock::duration lease = {};         // zero: the stream itself keeps us registered
  bool acknowledges = false;          // heartbeats; an older arbiter does not
  std::set<std::string> to_be_added;  // again: the arbiter could not take them yet
};

TreeRegistrar::TreeRegistrar(const WireContext& wire, const std::string& addresses, std::string actor_namespace,
                             std::function<void()> take_over)
    : wire_(wire),
      addresses_(parse_addresses(addresses)),
      namespace_(std::move(actor_namespace)),
      take_over_(std::move(take_over)) {}

TreeRegistrar::~TreeRegistrar() = default;

void TreeRegistrar::start(TaskNursery& system) {
  system.start_named("registrar", [this] { keep_connected(); });
  const Clock::duration timeout = kConnectTimeout * static_cast<int>(addresses_.size());
  move_on_after(timeout, [this] {
    changed_.wait_until("the arbiter to answer", [this] { return welcomed_ || vacant_ || cannot_work(); });
  });
  if (welcomed_) return;
  const std::string all = absl::StrJoin(addresses_, ",");
  if (vacant_) throw ArbiterGone(absl::StrCat("the arbiter at ", all, " has ended"));
  if (!refusal_.empty()) throw UsageError(absl::StrCat("the arbiter at ", all, ": ", refusal_));
  throw UsageError(absl::StrCat(addresses_.size() == 1
                                    ? absl::StrCat("something is at ", all, ", but no tractor arbiter answers there")
                                    : absl::StrCat("no tractor arbiter answers at any of ", all),
                                " within ", duration_text(timeout), last_error_.empty() ? "" : " (" + last_error_ + ")",
                                "; name another address in TRACTOR_ARBITER or RunOptions.arbiter"));
}

// Before it was ever welcomed, by the only arbiter there is.
bool TreeRegistrar::cannot_work() { return addresses_.size() == 1 && !refusal_.empty(); }

void TreeRegistrar::keep_connected() {
  while (true) {
    last_error_ = run_connection();
    throw_if_cancelled();
    if (leaving_) return;
    if (std::exchange(connected_, false)) {
      log::warning(absl::StrCat("lost the arbiter at ", address(), " (", last_error_, "); trying until it is back"));
      changed_.notify();
    }
    if (welcomed_ && !refusal_.empty() && refusal_ != told_refusal_) {
      told_refusal_ = refusal_;
      log::warning(absl::StrCat("the arbiter at ", address(), ": ", refusal_, "; trying until that is mended"));
    }
    if (!welcomed_ && addresses_.size() == 1) {
      vacant_ = refusal_.empty() && is_vacant(parse_address(address()));
      changed_.notify();
      if (vacant_ || cannot_work()) return;
    }
    ++failures_;
    current_ = (current_ + 1) % addresses_.size();
    sleep(reconnect_pause(failures_, random_));
    if (was_embedded_) take_over_();
  }
}

std::string TreeRegistrar::run_connection() {
  Connection connection(wire_, address());
  const auto cancel = [&] { connection.context.TryCancel(); };
  open_task_nursery([&](TaskNursery& tasks) {
    tasks.start_soon([&] {  // ends with the stream, whatever is cancelled
      CancelScope({.shield = true}).run([&] {
        give_up_unless_welcomed(connection);
        send_heartbeats(connection);
      });
    });
    Operation started("the registration stream to open");
    connection.stream->StartCall(started.tag());
    bool ok = started.wait(cancel);
    connection.opened = Clock::now();
    v1::RegisterRequest hello;
    hello.mutable_hello()->set_version(kRegistrationVersion);
    hello.mutable_hello()->set_tree_id(wire_.self.id);
    hello.mutable_hello()->set_namespace_(namespace_);
    connection.outbox->send(std::move(hello));
    tasks.start_soon([&] { connection.outbox->run(); });
    while (ok) {
      v1::RegisterResponse response;
      Operation op("the arbiter's acknowledgement");
      connection.stream->Read(&response, op.tag());
      ok = op.wait(cancel);
      if (ok) receive(connection, response);
    }
    connection_ = nullptr;
    connection.ended = true;
    changed_.notify();
    connection.outbox->close();
  });
  grpc::Status status;
  Operation finished("the registration stream to end");
  connection.stream->Finish(&status, finished.tag());
  finished.wait(cancel);
  switch (status.error_code()) {
    case grpc::StatusCode::UNIMPLEMENTED:
      refusal_ =
          "a gRPC server answers there, but it is no tractor arbiter; name another address in TRACTOR_ARBITER or "
          "RunOptions.arbiter";
      break;
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::INVALID_ARGUMENT:
      refusal_ = status.error_message();
      break;
    default:
      break;
  }
  changed_.notify();
  return status.ok() ? "it ended the registration" : status.error_message();
}

void TreeRegistrar::receive(Connection& connection, const v1::RegisterResponse& response) {
  if (response.has_welcome() && response.welcome().version() != kRegistrationVersion) {
    refusal_ = absl::StrCat("it speaks version ", response.welcome().version(), " of the registration, not ",
                            kRegistrationVersion, ": bring it and this program to the same release");
    connection.context.TryCancel();
  } else if (response.has_welcome()) {
    welcomed_ = true;
    was_embedded_ = response.welcome().embedded() && addresses_.size() == 1;
    refusal_.clear();
    failures_ = 0;
    connection.acknowledges = response.welcome().has_lease();
    connection.lease = lease_ =
        decode_duration(connection.acknowledges ? response.welcome().lease() : response.welcome().ttl());
    connection.welcomed = true;
    connection.renewed = Clock::now();
    connection_ = &connection;
    removals_.clear();
    connected_ = true;
    // The one whose claim is to be kept first.
    if (const auto claimant = actors_.find(claimant_); claimant != actors_.end())
      connection.outbox->send(add_request(claimant->second));
    for (const auto& [id, info] : actors_) {
      if (id != claimant_) connection.outbox->send(add_request(info));
    }
    events_sent_ = 0;
    send_events();
  } else if (response.has_refused()) {
    const v1::Refused& refused = response.refused();
    acknowledged_.insert(refused.actor_id());  // there is nothing to wait for
    if (refused.try_again()) connection.to_be_added.insert(refused.actor_id());
    if (refused.claimed() && refused.actor_id() == claimant_) taken_ = refused.reason();
    log::warning(absl::StrCat("the arbiter at ", address(), " does not register actor ", refused.actor_id(), ": ",
                              refused.reason(), refused.try_again() ? "; trying again until it does" : ""));
  } else if (response.message_case() == v1::RegisterResponse::kRecorded) {
    if (response.recorded() != last_batch_) return;
    events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(std::exchange(events_sent_, 0)));
    send_events();
  } else if (response.message_case() == v1::RegisterResponse::kRemoved) {
    removals_.erase(response.removed());
  } else if (!response.added().empty()) {
    acknowledged_.insert(response.added());
    connection.to_be_added.erase(response.added());
    if (response.added() == claimant_) {
      token_ = response.fencing_token();
      connection.claimed = true;
      extend_claim(connection, connection.opened);
    }
  } else if (response.message_case() == v1::RegisterResponse::kRenewed) {
    const Clock::time_point sent_at(Clock::duration(static_cast<Clock::rep>(response.renewed())));
    connection.renewed = Clock::now();
    if (connection.claimed) extend_claim(connection, sent_at);
  }
  changed_.notify();
}

// Its lease began at `renewed`, or later.
void TreeRegistrar::extend_claim(const Connection& connection, Clock::time_point renewed) {
  const Clock::time_point now = Clock::now();
  if (renewed < connection.opened || renewed > now) return;  // no time that we have told
  const bool leased = connection.acknowledges && connection.lease > Clock::duration::zero();
  lease_ends_ = leased ? deadline_after(connection.lease - (now - renewed)) : Clock::kNever;
}

// One of several that does not answer must not keep us from the next.
void TreeRegistrar::give_up_unless_welcomed(Connection& connection) {
  const Clock::time_point deadline = addresses_.size() == 1 ? Clock::kNever : deadline_after(kConnectTimeout);
  const auto answered = [&] { return connection.welcomed || connection.ended; };
  move_on_at(deadline, [&] { changed_.wait_until("the arbiter's welcome", answered); });
  if (!answered()) connection.context.TryCancel();
}

void TreeRegistrar::send_heartbeats(Connection& connection) {
  const bool leased = connection.lease > Clock::duration::zero();
  const Clock::duration due = leased ? connection.lease / kHeartbeatsPerLease : Clock::duration::max();
  std::map<std::string, std::uint32_t> told;
  Clock::time_point last = Clock::now();
  while (true) {
    move_on_at(std::min(deadline_after(kBeat), due == Clock::duration::max() ? Clock::kNever : last + due),
               [&] { changed_.wait_until("the end of the registration stream", [&] { return connection.ended; }); });
    if (connection.ended) return;
    if (connection.acknowledges && leased && addresses_.size() > 1 &&
        Clock::now() - connection.renewed > connection.lease * 3 / 4) {
      log::warning(absl::StrCat("the arbiter at ", address(), " does not renew registrations; trying the next"));
      return connection.context.TryCancel();
    }
    for (const std::string& id : std::exchange(connection.to_be_added, {})) {
      if (const auto actor = actors_.find(id); actor != actors_.end())
        connection.outbox->send(add_request(actor->second));
    }
    if (loads_ == told && Clock::now() - last < due) continue;
    v1::RegisterRequest heartbeat;
    heartbeat.mutable_heartbeat()->mutable_calls_in_flight()->insert(loads_.begin(), loads_.end());
    heartbeat.mutable_heartbeat()->set_sent_at(static_cast<std::uint64_t>(Clock::now().time_since_epoch().count()));
    connection.outbox->send(std::move(heartbeat));
    told = loads_;
    last = Clock::now();
  }
}

void TreeRegistrar::leave() {
  leaving_ = true;
  if (connection_ == nullptr) return;
  wait_recorded();
  if (connection_ == nullptr) return;
  v1::RegisterRequest goodbye;
  goodbye.mutable_goodbye();
  connection_->outbox->send(std::move(goodbye));
  move_on_after(kGoodbyeTimeout, [this] {
    changed_.wait_until("the arbiter to see us off", [this] { return connection_ == nullptr; });
  });
}

void TreeRegistrar::add(const ActorInfo& info) {
  actors_[info.id] = info;
  if (info.exclusive) claimant_ = info.id;
  if (connection_ != nullptr) {  // else it is told when it is back
    acknowledged_.erase(info.id);
    connection_->outbox->send(add_request(info));
    move_on_after(kConnectTimeout, [&] {  // an arbiter that is stopped takes it when it goes on
      changed_.wait_until("a registration to be acknowledged", [&] {
        return acknowledged_.contains(info.id) || connection_ == nullptr || !actors_.contains(info.id);
      });
    });
    acknowledged_.erase(info.id);
  }
  if (info.exclusive) wait_until_claimed(info.name);
}

void TreeRegistrar::wait_until_claimed(const std::string& name) {
  move_on_after(kConnectTimeout, [this] {
    changed_.wait_until("the arbiter to give the name", [this] { return token_ != 0 || !taken_.empty(); });
  });
  if (!taken_.empty()) throw NameTaken(taken_);
  if (token_ == 0) {
    throw CallError(ErrorKind::unavailable,
                    absl::StrCat("the arbiter at ", address(), " does not say within ", duration_text(kConnectTimeout),
                                 " that nobody else has the name \"", name,
                                 "\": its store is away, or it does not know exclusive names"));
  }
}

std::string TreeRegistrar::wait_until_taken() {
  while (taken_.empty()) {
    const Clock::time_point ends = lease_ends_;
    move_on_at(ends, [&] {
      changed_.wait_until("the name to be taken", [&] { return !taken_.empty() || lease_ends_ != ends; });
    });
    throw_if_cancelled();
    if (Clock::now() < lease_ends_ || !taken_.empty()) continue;
    taken_ = absl::StrCat("the arbiter at ", address(), " has not renewed the claim for ", duration_text(lease_),
                          ": another may have the name by now");
  }
  return taken_;
}

void TreeRegistrar::remove(const std::string& actor_id) {
  loads_.erase(actor_id);
  acknowledged_.erase(actor_id);
  if (actors_.erase(actor_id) == 0 || connection_ == nullptr) return;
  changed_.notify();
  v1::RegisterRequest request;
  request.set_remove(actor_id);
  connection_->outbox->send(std::move(request));
  removals_.insert(actor_id);
}

void TreeRegistrar::wait_removed() {
  if (removals_.empty()) return;
  move_on_after(kRecordTimeout, [this] {
    changed_.wait_until("removals to be acknowledged", [this] { return removals_.empty() || connection_ == nullptr; });
  });
}

void TreeRegistrar::record(LedgerEvent event) {
  if (events_.size() - events_sent_ >= kMostEvents)
    events_.erase(events_.begin() + static_cast<std::ptrdiff_t>(events_sent_));
  events_.push_back(std::move(event));
  ++recorded_;
  send_events();
}

void TreeRegistrar::wait_recorded() {
  move_on_after(kRecordTimeout, [this, all = recorded_] {
    changed_.wait_until("events to be recorded",
                        [this, all] { return recorded_ - events_.size() >= all || connection_ == nullptr; });
  });
}

// What happens while a batch is on its way goes together in the next.
void TreeRegistrar::send_events() {
  constexpr std::size_t kMostInBatch = 500;
  if (connection_ == nullptr || events_sent_ != 0 || events_.empty()) return;
  events_sent_ = std::min(events_.size(), kMostInBatch);
  v1::RegisterRequest request;
  request.mutable_events()->set_number(++last_batch_);
  for (std::size_t i = 0; i < events_sent_; ++i) *request.mutable_events()->add_events() = encode(events_[i]);
  connection_->outbox->send(std::move(request));
}

void TreeRegistrar::load(const std::string& actor_id, std::uint32_t calls_in_flight) {
  if (calls_in_flight == 0) {
    loads_.erase(actor_id);
  } else if (actors_.contains(actor_id)) {
    loads_[actor_id] = calls_in_flight;
  }
}

}  // namespace tractor::arbiter
