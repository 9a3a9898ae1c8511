#include "arbiter/service.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "runtime/log.h"
#include "runtime/wire/actor_info_codec.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/identity.h"
#include "runtime/wire/outbox.h"
#include "runtime/wire/server_call.h"
#include "tractor/v1/arbiter.grpc.pb.h"

namespace tractor::arbiter {
namespace {

constexpr std::uint32_t kVersion = 1;

using ServedMethods = v1::ArbiterService::WithAsyncMethod_Register<
    v1::ArbiterService::WithAsyncMethod_Find<v1::ArbiterService::WithAsyncMethod_List<
        v1::ArbiterService::WithGenericMethod_Watch<v1::ArbiterService::Service>>>>;
using RegisterCall = StreamCall<v1::RegisterRequest, v1::RegisterResponse>;
using FindCall = UnaryCall<v1::FindRequest, v1::FindResponse>;
using ListCall = UnaryCall<v1::ListRequest, v1::ListResponse>;

void add_all(const std::vector<ActorInfo>& from, google::protobuf::RepeatedPtrField<v1::Registration>& to) {
  to.Reserve(static_cast<int>(from.size()));
  for (const ActorInfo& info : from) *to.Add() = encode(info);
}

}  // namespace

struct Service::Methods : ServedMethods {
  explicit Methods(arbiter::Service& s) : service(s) {}

  // Runs a handler that may throw; the status says what it threw.
  template <class F>
  grpc::Status answer(grpc::ServerContext& context, F&& handle) {
    try {
      server->authenticate(context);
      if (!service.open_) throw CallError(ErrorKind::unimplemented, "the actor " + to_string(self) + " is no arbiter");
      handle();
      return grpc::Status::OK;
    } catch (const Cancelled& cancelled) {
      cancelled.absorb();
      return {grpc::StatusCode::UNAVAILABLE, "the arbiter is shutting down"};
    } catch (...) {
      return to_status(error_info(std::current_exception(), self));
    }
  }

  void serve_register(RegisterCall& call) {
    const Registry::Holder holder = service.registry_.new_holder();
    const grpc::Status status = answer(call.context(), [&] {
      Outbox<decltype(call.stream), v1::RegisterResponse> outbox(call.stream);
      open_task_nursery([&](TaskNursery& tasks) {
        tasks.start_soon([&] { outbox.run(); });
        struct Close {
          decltype(outbox)& box;
          ~Close() { box.close(); }
        } close{outbox};
        v1::RegisterRequest message;
        while (call.read(message)) outbox.send(receive(holder, message));
      });
    });
    service.registry_.drop(holder);
    service.changed_.notify();
    call.finish(status);
  }

  v1::RegisterResponse receive(Registry::Holder holder, const v1::RegisterRequest& message) {
    v1::RegisterResponse reply;
    switch (message.message_case()) {
      case v1::RegisterRequest::kHello:
        if (message.hello().version() != kVersion) {
          throw CallError(ErrorKind::failed_precondition,
                          absl::StrCat("this arbiter speaks version ", kVersion, " of the registration, not ",
                                       message.hello().version()));
        }
        reply.mutable_welcome()->set_version(kVersion);
        reply.mutable_welcome()->set_epoch(service.epoch_);
        reply.mutable_welcome()->set_embedded(service.embedded_);
        encode(self, *reply.mutable_welcome()->mutable_arbiter());
        break;
      case v1::RegisterRequest::kAdd:
        service.registry_.add(holder, decode(message.add()));
        log::debug(absl::StrCat("registered ", message.add().name(), " (", message.add().actor_id(), ")"));
        reply.set_added(message.add().actor_id());
        break;
      case v1::RegisterRequest::kRemove:
        service.registry_.remove(holder, message.remove());
        log::debug(absl::StrCat("unregistered ", message.remove()));
        reply.set_removed(message.remove());
        break;
      case v1::RegisterRequest::kHeartbeat:
      case v1::RegisterRequest::MESSAGE_NOT_SET:
        break;
    }
    service.changed_.notify();
    return reply;
  }

  void serve_find(FindCall& call) {
    v1::FindResponse response;
    const grpc::Status status = answer(call.context(), [&] {
      const Registry::Labels labels(call.request.labels().begin(), call.request.labels().end());
      std::vector<ActorInfo> found = service.registry_.find(call.request.name(), labels);
      if (found.empty() && call.request.wait()) {
        call.run_while_wanted([&] {
          service.changed_.wait_until("an actor to be registered", [&] {
            found = service.registry_.find(call.request.name(), labels);
            return !found.empty();
          });
        });
      }
      add_all(found, *response.mutable_actors());
    });
    call.finish(response, status);
  }

  void serve_list(ListCall& call) {
    v1::ListResponse response;
    const grpc::Status status = answer(call.context(), [&] {
      add_all(service.registry_.list(), *response.mutable_actors());
      response.set_epoch(service.epoch_);
      response.set_revision(service.registry_.revision());
    });
    call.finish(response, status);
  }

  arbiter::Service& service;
  ActorServer* server = nullptr;
  ActorRef self;
  std::optional<Acceptor<RegisterCall>> register_acceptor;
  std::optional<Acceptor<FindCall>> find_acceptor;
  std::optional<Acceptor<ListCall>> list_acceptor;
};

Service::Service() : epoch_(random_id()), methods_(std::make_unique<Methods>(*this)) {}

Service::~Service() = default;

grpc::Service* Service::service() { return methods_.get(); }

void Service::serve(ActorServer& server, TaskNursery& nursery, const ActorRef& self) {
  Methods& m = *methods_;
  m.server = &server;
  m.self = self;
  grpc::ServerCompletionQueue* queue = server.port().queue();
  m.register_acceptor.emplace(
      nursery,
      [&m, queue](RegisterCall& call, Tag& tag) { call.request_next(m, &Methods::RequestRegister, queue, tag); },
      [&m](RegisterCall& call) { m.serve_register(call); });
  m.find_acceptor.emplace(
      nursery, [&m, queue](FindCall& call, Tag& tag) { call.request_next(m, &Methods::RequestFind, queue, tag); },
      [&m](FindCall& call) { m.serve_find(call); });
  m.list_acceptor.emplace(
      nursery, [&m, queue](ListCall& call, Tag& tag) { call.request_next(m, &Methods::RequestList, queue, tag); },
      [&m](ListCall& call) { m.serve_list(call); });
}

void Service::open(bool embedded) {
  open_ = true;
  embedded_ = embedded;
}

void Service::stop() {
  if (methods_->register_acceptor) methods_->register_acceptor->stop();
  if (methods_->find_acceptor) methods_->find_acceptor->stop();
  if (methods_->list_acceptor) methods_->list_acceptor->stop();
}

}  // namespace tractor::arbiter
