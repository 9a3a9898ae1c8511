#include "arbiter/register_tree.h"

#include <algorithm>
#include <optional>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "arbiter/check.h"
#include "arbiter/same_host.h"
#include "runtime/log.h"
#include "runtime/wire/actor_info_codec.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/hybrid_clock.h"
#include "runtime/wire/identity.h"
#include "runtime/wire/ledger_event_codec.h"
#include "runtime/wire/outbox.h"
#include "runtime/wire/value_codec.h"

namespace tractor::arbiter {
namespace {

// What everyone who finds an actor or copies the registry is sent.
constexpr std::size_t kMostRegistrationBytes = std::size_t{16} << 10;

// What is wrong with what was sent is its sender's error.
template <class F>
void check(F&& f) {
  try {
    f();
  } catch (const UsageError& e) {
    throw CallError(ErrorKind::invalid_argument, e.what());
  }
}

class Registering {
 public:
  Registering(Store& store, Ledger& ledger, RegisterCall& call, ActorRef self, Clock::duration ttl)
      : store_(store), ledger_(ledger), call_(call), outbox_(call.stream), self_(std::move(self)), ttl_(ttl) {}

  void run(v1::Welcome welcome) {
    open_task_nursery([&](TaskNursery& tasks) {
      tasks.start_soon([this] {
        outbox_.run([this](Operation& op) { return call_.wait_sent(op, [this] { return answer_deadline(); }); });
      });
      tasks.start_soon([this] { acknowledge_events(); });
      const absl::Cleanup end = [&] {
        outbox_.close();
        tasks.cancel_scope().cancel();
      };
      v1::RegisterRequest message;
      while (!left_ && call_.read(message)) {
        if (message.has_hello()) {
          greet(message.hello(), welcome);
        } else {
          receive(message);
        }
        outbox_.wait_for_room();  // who does not read is not read from
      }
      if (expired_) throw LeaseExpired();
    });
  }

  // However run() ended.
  void end() {
    if (!holder_) return;
    const bool arbiter_ends = currently_cancelled();
    if (!left_ && !arbiter_ends) record_lost();
    // Who ends in good order says so, and on this host a connection is not lost but with the process behind it. That
    // this arbiter ends says nothing about them.
    if (left_ || (same_host_ && !arbiter_ends)) {
      store_.drop(*holder_);
    } else {
      store_.abandon(*holder_);
    }
  }

 private:
  void greet(const v1::RegisterHello& hello, v1::Welcome& welcome) {
    if (holder_) throw CallError(ErrorKind::invalid_argument, "a registration has one hello");
    if (hello.version() != kRegistrationVersion) {
      throw CallError(ErrorKind::failed_precondition, absl::StrCat("this arbiter speaks version ", kRegistrationVersion,
                                                                   " of the registration, not ", hello.version()));
    }
    check([&] {
      check_namespace(hello.namespace_());
      check_tree_id(hello.tree_id());
    });
    namespace_ = hello.namespace_();
    tree_id_ = hello.tree_id();
    same_host_ = is_same_host(call_.context().peer());
    const Clock::duration ttl = same_host_ ? Clock::duration::zero() : ttl_;
    holder_ = store_.open(hello.namespace_(), ttl, [this] {
      expired_ = true;
      call_.context().TryCancel();  // whoever still listens registers again
    });
    v1::RegisterResponse reply;
    *reply.mutable_welcome() = std::move(welcome);
    reply.mutable_welcome()->set_version(kRegistrationVersion);
    *reply.mutable_welcome()->mutable_ttl() = encode_duration(ttl);
    *reply.mutable_welcome()->mutable_lease() = encode_duration(store_.lease(ttl));
    outbox_.send(std::move(reply));
  }

  void receive(const v1::RegisterRequest& message) {
    if (!holder_) throw CallError(ErrorKind::invalid_argument, "a registration begins with a hello");
    v1::RegisterResponse reply;
    switch (message.message_case()) {
      case v1::RegisterRequest::kAdd:
        add(message.add());
        break;
      case v1::RegisterRequest::kRemove:
        store_.remove(*holder_, message.remove());
        actors_.erase(message.remove());
        log::debug(absl::StrCat("unregistered ", message.remove()));
        reply.set_removed(message.remove());
        outbox_.send(std::move(reply));
        break;
      case v1::RegisterRequest::kHeartbeat:
        renew(message.heartbeat());
        break;
      case v1::RegisterRequest::kEvents:
        record(message.events());
        break;
      case v1::RegisterRequest::kGoodbye:
        left_ = true;
        break;
      default:
        break;  // of a later version
    }
  }

  void add(const v1::Registration& registration) {
    v1::RegisterResponse reply;
    try {
      if (registration.ByteSizeLong() > kMostRegistrationBytes) {
        throw CallError(
            ErrorKind::invalid_argument,
            absl::StrCat("a registration has at most ", kMostRegistrationBytes,
                         " bytes, with its labels, modules and addresses; this one has ", registration.ByteSizeLong()));
      }
      ActorInfo actor = decode(registration);
      actor.calls_in_flight = 0;  // heartbeats tell
      check([&] { check_actor(actor); });
      reply.set_fencing_token(store_.add(*holder_, std::move(actor)));
      log::debug(absl::StrCat("registered ", registration.name(), " (", registration.actor_id(), ")"));
      reply.set_added(registration.actor_id());
      actors_[registration.actor_id()] = registration.name();
    } catch (const LeaseExpired&) {
      throw;
    } catch (const CallError& e) {
      log::warning(absl::StrCat("refused to register ", Value(registration.name()).describe(), ": ", e.what()));
      reply.mutable_refused()->set_actor_id(registration.actor_id());
      reply.mutable_refused()->set_reason(e.what());
      reply.mutable_refused()->set_try_again(e.kind() == ErrorKind::unavailable);
      reply.mutable_refused()->set_claimed(dynamic_cast<const NameClaimed*>(&e) != nullptr);
    }
    outbox_.send(std::move(reply));
  }

  // For all answers that are still to be sent, once this ends.
  Clock::time_point answer_deadline() {
    return answered_by_ = std::min(answered_by_, deadline_after(ServerCall::kSendTimeout));
  }

  void renew(const v1::Heartbeat& heartbeat) {
    store_.renew(*holder_, {heartbeat.calls_in_flight().begin(), heartbeat.calls_in_flight().end()},
                 [this, sent_at = heartbeat.sent_at()] {
                   v1::RegisterResponse reply;
                   reply.set_renewed(sent_at);
                   outbox_.send(std::move(reply));
                 });
  }

  void record(const v1::LedgerBatch& batch) {
    if (batch_waits_) {
      throw CallError(ErrorKind::resource_exhausted,
                      "a batch of events came before the last one was recorded: send one at a time");
    }
    std::vector<LedgerRecord> records;
    for (const v1::LedgerEvent& event : batch.events()) {
      hybrid_clock().observe(event.clock());
      records.push_back({.event = decode(event), .actor_namespace = namespace_});
      records.back().event.tree_id = tree_id_;
    }
    ledger_.add(std::move(records));
    batch_ = batch.number();
    batch_waits_ = true;
    batch_came_.notify();
  }

  // Who writes slowly does not hold up the rest.
  void acknowledge_events() {
    while (true) {
      batch_came_.wait_until("events", [this] { return batch_waits_; });
      ledger_.wait_kept();
      v1::RegisterResponse reply;
      reply.set_recorded(batch_);
      batch_waits_ = false;
      outbox_.send(std::move(reply));
    }
  }

  // Nobody else may be left to tell of them.
  void record_lost() {
    std::vector<LedgerRecord> records;
    for (const auto& [id, name] : actors_) {
      records.push_back({.event = {.kind = LedgerEvent::Kind::lost,
                                   .actor = {.name = name, .id = id},
                                   .message = expired_ ? "it was not heard of for the time of its lease"
                                                       : "the connection to its tree has ended",
                                   .clock = hybrid_clock().tick(),
                                   .recorder = self_,
                                   .host = host_name(),
                                   .tree_id = tree_id_},
                         .actor_namespace = namespace_});
    }
    ledger_.add(std::move(records));
  }

  Store& store_;
  Ledger& ledger_;
  RegisterCall& call_;
  Outbox<decltype(RegisterCall::stream), v1::RegisterResponse> outbox_;
  ActorRef self_;  // the arbiter
  Clock::duration ttl_;
  std::string namespace_;
  std::string tree_id_;
  std::map<std::string, std::string> actors_;  // that are registered: their names by id
  std::optional<Store::Holder> holder_;
  std::uint64_t batch_ = 0;   // the number of the last one
  bool batch_waits_ = false;  // to be kept
  Condition batch_came_;
  Clock::time_point answered_by_ = Clock::kNever;
  bool same_host_ = false;
  bool left_ = false;
  bool expired_ = false;
};

}  // namespace

void register_tree(Store& store, Ledger& ledger, RegisterCall& call, v1::Welcome welcome, Clock::duration ttl) {
  Registering registering(store, ledger, call, decode(welcome.arbiter()), ttl);
  try {
    registering.run(std::move(welcome));
  } catch (...) {
    registering.end();
    throw;
  }
  registering.end();
}

}  // namespace tractor::arbiter
