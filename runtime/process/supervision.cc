#include "runtime/process/supervision.h"

#include <algorithm>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "runtime/log.h"
#include "runtime/process/child_token.h"
#include "runtime/wire/actor_info_codec.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/hybrid_clock.h"
#include "runtime/wire/identity.h"
#include "runtime/wire/ledger_event_codec.h"
#include "runtime/wire/outbox.h"
#include "runtime/wire/peer.h"
#include "runtime/wire/text.h"
#include "runtime/wire/value_codec.h"
#include "tractor/v1/supervision.grpc.pb.h"

namespace tractor {
namespace {

using Call = StreamCall<v1::SuperviseRequest, v1::SuperviseResponse>;

std::string token_of(const grpc::ServerContext& context) {
  const auto token = context.client_metadata().find(kChildTokenKey);
  return token == context.client_metadata().end() ? std::string()
                                                  : std::string(token->second.data(), token->second.size());
}

v1::SuperviseResponse spec_message(Supervision& supervision, const Child& child) {
  const ChildSpec& from = child.spec();
  const SupervisionOptions& options = supervision.options();
  v1::SuperviseResponse message;
  v1::SpawnSpec& spec = *message.mutable_spec();
  spec.set_name(child.actor().name);
  spec.set_actor_id(child.actor().id);
  spec.mutable_modules()->Add(from.modules.begin(), from.modules.end());
  encode_map(from.statespace, *spec.mutable_statespace());
  spec.set_arbiter_address(options.arbiter_address);
  spec.set_namespace_(options.actor_namespace);
  spec.set_tree_directory(options.tree_directory);
  spec.set_log_level(std::string(log::level_name(log::level())));
  if (from.function && !from.streams) {
    spec.mutable_one_shot()->set_function(*from.function);
    encode_arguments(*from.function, from.arguments, *spec.mutable_one_shot()->mutable_args());
    if (child.nursery_deadline() != Clock::kNever)
      *spec.mutable_one_shot()->mutable_timeout() = encode_duration(child.nursery_deadline() - Clock::now());
  }
  spec.set_credential_file(options.credential_file);
  spec.set_insecure(options.insecure);
  *spec.mutable_unreachable_after() = encode_duration(options.unreachable_after);
  *spec.mutable_unacknowledged_after() = encode_duration(options.unacknowledged_after);
  spec.mutable_labels()->insert(from.labels.begin(), from.labels.end());
  message.set_clock(hybrid_clock().now());  // counts, when its size is checked
  return message;
}

}  // namespace

struct Supervision::Methods : v1::SupervisionService::AsyncService {
  Acceptors acceptors;
};

// One child's stream: its messages become calls of Child, and back.
class Supervision::Stream final : public ChildStream {
 public:
  Stream(Supervision& supervision, Child& child, Call& call)
      : supervision_(supervision), child_(child), call_(call), outbox_(call.stream) {}

  // Until the child has died, or closed its end.
  void run() {
    open_task_nursery([this](TaskNursery& tasks) {
      tasks.start_soon([this] { outbox_.run(); });
      child_.on_stream(*this);
      const absl::Cleanup end = [this] {
        child_.on_stream_end();
        outbox_.close();
      };
      v1::SuperviseRequest message;
      while (call_.read(message)) receive(message, tasks);
    });
  }

  void send_cancel(Clock::duration budget, const std::string& reason) override {
    v1::SuperviseResponse message;
    *message.mutable_cancel()->mutable_budget() = encode_duration(budget);
    encode(supervision_.wire().self, *message.mutable_cancel()->mutable_requested_by());
    message.mutable_cancel()->set_reason(reason_text(reason));
    send(std::move(message));
  }

  void abandon() override { call_.context().TryCancel(); }

 private:
  void send(v1::SuperviseResponse message) {
    message.set_clock(hybrid_clock().now());
    outbox_.send(std::move(message));
  }

  ActorInfo registering(const v1::Registration& registration) {
    ActorInfo info = decode(registration);
    child_.on_registering(info);
    return info;
  }

  void receive(v1::SuperviseRequest& message, TaskNursery& tasks) {
    hybrid_clock().observe(message.clock());
    switch (message.message_case()) {
      case v1::SuperviseRequest::kHello:
        send(spec_message(supervision_, child_));
        break;
      case v1::SuperviseRequest::kReady:
        tasks.start_soon([this, info = registering(message.ready())] {
          if (child_.registered(info.id)) supervision_.registrar().add(info);
          child_.on_ready(info);
        });
        break;
      case v1::SuperviseRequest::kRegister:
        tasks.start_soon([this, info = registering(message.register_())] {
          if (child_.registered(info.id)) supervision_.registrar().add(info);
          v1::SuperviseResponse reply;
          reply.set_registered(info.id);
          send(std::move(reply));
        });
        break;
      case v1::SuperviseRequest::kUnregister:
        child_.on_unregistered(message.unregister());
        supervision_.registrar().remove(message.unregister());
        break;
      case v1::SuperviseRequest::kLoad:
        supervision_.registrar().load(message.load().actor_id(), message.load().calls_in_flight());
        break;
      case v1::SuperviseRequest::kSpawned:
        child_.on_spawned_below(static_cast<pid_t>(message.spawned().pid()));
        break;
      case v1::SuperviseRequest::kReaped:
        child_.on_reaped_below(static_cast<pid_t>(message.reaped().pid()));
        break;
      case v1::SuperviseRequest::kOutcome:
        if (message.outcome().has_error()) {
          child_.on_failure(decode(message.outcome().error()));
        } else {
          child_.on_outcome(decode(message.outcome().value()));
        }
        break;
      case v1::SuperviseRequest::kEnding:
        child_.on_ending(decode(message.ending().requested_by()));
        break;
      case v1::SuperviseRequest::kEvent:
        supervision_.registrar().record(decode(message.event()));
        break;
      case v1::SuperviseRequest::MESSAGE_NOT_SET:
        log::warning(absl::StrCat("ignored an unknown message of child ", to_string(child_.actor())));
        break;
    }
  }

  Supervision& supervision_;
  Child& child_;
  Call& call_;
  Outbox<decltype(call_.stream), v1::SuperviseResponse> outbox_;
};

Supervision::Supervision(HelperThread& helper, SupervisionOptions options)
    : helper_(helper), options_(std::move(options)), methods_(std::make_unique<Methods>()) {}

Supervision::~Supervision() = default;

grpc::Service* Supervision::service() { return methods_.get(); }

void Supervision::serve(ActorServer& server, TaskNursery& system, const WireContext& wire, Registrar& registrar) {
  server_ = &server;
  wire_ = &wire;
  registrar_ = &registrar;
  scheduler_ = &Scheduler::current();
  methods_->acceptors.accept<Call>(
      system, server.port().queue(), *methods_, &Methods::RequestSupervise, [this](Call& call) {
        const auto expected = expected_.find(token_of(call.context()));
        if (expected == expected_.end()) {
          call.finish(grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "only an actor's own children are supervised"));
          return;
        }
        const std::shared_ptr<Child> child = std::move(expected->second);
        expected_.erase(expected);  // each child calls once
        CancelScope({.shield = true}).run([&] { Stream(*this, *child, call).run(); });
        call.finish(grpc::Status::OK);
      });
}

std::shared_ptr<Child> Supervision::child_with(const std::string& actor_id) const {
  for (const auto& [pid, child] : launched_) {
    if (child->actor().id == actor_id) return child->shared_from_this();
  }
  return nullptr;
}

void Supervision::record(LedgerEvent event) {
  if (registrar_ == nullptr) return;
  event.clock = hybrid_clock().tick();
  event.recorder = wire_->self;
  event.host = host_name();
  registrar_->record(std::move(event));
}

void Supervision::stop() { methods_->acceptors.stop(); }

Clock::duration Supervision::budget_for(const ChildSpec& spec) const {
  const std::optional<Clock::duration> left = time_left_ ? time_left_() : std::nullopt;
  if (!left) return spec.budget;
  const Clock::duration margin =
      std::clamp<Clock::duration>(*left / 10, std::chrono::milliseconds(50), std::chrono::milliseconds(500));
  return std::clamp<Clock::duration>(*left - margin, Clock::duration::zero(), spec.budget);
}

void Supervision::check_size(const Child& child) {
  const std::size_t size = spec_message(*this, child).ByteSizeLong();
  if (size <= kMaxMessageBytes) return;
  throw CallError(ErrorKind::resource_exhausted,
                  absl::StrCat("actor \"", child.actor().name, "\": its statespace and the arguments of ",
                               child.spec().function.value_or("no function"), " have ", size,
                               " bytes; a message has at most ", kMaxMessageBytes));
}

void Supervision::expect(const std::string& token, std::shared_ptr<Child> child) {
  expected_[token] = std::move(child);
}

void Supervision::forget(const Child& child) {
  std::erase_if(expected_, [&](const auto& entry) { return entry.second.get() == &child; });
}

}  // namespace tractor
