#include "arbiter/service.h"

#include "arbiter/follow.h"
#include "arbiter/ledger_files.h"
#include "arbiter/ledger_request.h"
#include "arbiter/register_tree.h"
#include "arbiter/registry.h"
#include "runtime/metrics/metrics.h"
#include "runtime/wire/actor_info_codec.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/error_info.h"
#include "runtime/wire/ledger_event_codec.h"
#include "tractor/v1/arbiter.grpc.pb.h"

namespace tractor::arbiter {
namespace {

using FindCall = UnaryCall<v1::FindRequest, v1::FindResponse>;
using ListCall = UnaryCall<v1::ListRequest, v1::ListResponse>;
using LedgerCall = UnaryCall<v1::LedgerRequest, v1::LedgerResponse>;

void add(const View::Found& found, google::protobuf::RepeatedPtrField<v1::Registration>& to) {
  v1::Registration& registration = *to.Add();
  registration = encode(*found.actor);
  registration.set_calls_in_flight(found.calls_in_flight);
}

Pick decode(v1::Pick pick) {
  switch (pick) {
    case v1::PICK_RANDOM:
      return Pick::random;
    case v1::PICK_ROUND_ROBIN:
      return Pick::round_robin;
    case v1::PICK_LEAST_LOADED:
      return Pick::least_loaded;
    default:
      return Pick::newest;
  }
}

}  // namespace

struct Service::Methods : v1::ArbiterService::AsyncService {
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

  Store& store() { return *service.store_; }

  void serve_register(RegisterCall& call) {
    ++trees;
    const metrics::Held lease(metrics::Gauge::leases);
    const grpc::Status status = answer(call.context(), [&] {
      if (service.draining_) throw CallError(ErrorKind::unavailable, "the arbiter is about to end: register elsewhere");
      v1::Welcome welcome;
      welcome.set_epoch(store().epoch());
      welcome.set_embedded(service.embedded_);
      encode(self, *welcome.mutable_arbiter());
      register_tree(store(), service.ledger_, call, welcome, service.ttl_);
    });
    --trees;
    store().changed().notify();
    call.finish(status);
  }

  void serve_find(FindCall& call) {
    v1::FindResponse response;
    const grpc::Status status = answer(call.context(), [&] {
      const v1::FindRequest& request = call.request;
      const FindOptions options{.labels = {request.labels().begin(), request.labels().end()},
                                .pick = decode(request.pick())};
      const auto find = [&] {
        if (request.pick() == v1::PICK_UNSPECIFIED) {
          for (const View::Found& found : store().view().find(request.namespace_(), request.name(), options.labels))
            add(found, *response.mutable_actors());
        } else if (const auto found =
                       store().view().pick(request.namespace_(), request.name(), options, Clock::now())) {
          add(*found, *response.mutable_actors());
        }
        return !response.actors().empty();
      };
      if (!find() && request.wait())
        call.run_while_wanted([&] { store().changed().wait_until("an actor to be registered", find); });
      response.set_stale(store().stale());
      metrics::count(metrics::Counter::finds);
    });
    call.finish(response, status);
  }

  void serve_list(ListCall& call) {
    v1::ListResponse response;
    const grpc::Status status = answer(call.context(), [&] {
      for (const View::Found& found : store().view().list(call.request.namespace_()))
        add(found, *response.mutable_actors());
      response.set_epoch(store().epoch());
      response.set_revision(store().view().revision());
      response.set_stale(store().stale());
    });
    call.finish(response, status);
  }

  void serve_watch(WatchCall& call) {
    const metrics::Held watcher(metrics::Gauge::watchers);
    call.finish(answer(call.context(), [&] { call.run_while_wanted([&] { follow(store(), call); }); }));
  }

  void serve_ledger(LedgerCall& call) {
    v1::LedgerResponse response;
    const grpc::Status status = answer(call.context(), [&] {
      call.run_while_wanted([&] {
        const NewestRecords newest = service.ledger_.ask(to_query(call.request), call.request.namespace_());
        for (const LedgerRecord& record : newest.all()) *response.add_events() = encode(record.event);
        response.set_more(newest.more());
      });
    });
    call.finish(response, status);
  }

  arbiter::Service& service;
  int trees = 0;  // that are registering, or registered
  ActorServer* server = nullptr;
  ActorRef self;
  Acceptors acceptors;
};

Service::Service(Clock::duration ttl) : Service(std::make_unique<Registry>(), ttl) {}

Service::Service(std::unique_ptr<Store> store, Clock::duration ttl, std::unique_ptr<LedgerFiles> ledger)
    : store_(std::move(store)), ledger_(std::move(ledger)), ttl_(ttl), methods_(std::make_unique<Methods>(*this)) {
  check_ttl(ttl);
}

Service::~Service() = default;

grpc::Service* Service::service() { return methods_.get(); }

void Service::serve(ActorServer& server, TaskNursery& nursery, const ActorRef& self) {
  Methods& m = *methods_;
  m.server = &server;
  m.self = self;
  store_->start(nursery, server.port());
  grpc::ServerCompletionQueue* queue = server.port().queue();
  const auto accept = [&]<class Call, class Method>(Method method, void (Methods::*serve)(Call&)) {
    m.acceptors.accept<Call>(nursery, queue, m, method, [&m, serve](Call& call) { (m.*serve)(call); });
  };
  accept(&Methods::RequestRegister, &Methods::serve_register);
  accept(&Methods::RequestFind, &Methods::serve_find);
  accept(&Methods::RequestList, &Methods::serve_list);
  accept(&Methods::RequestWatch, &Methods::serve_watch);
  accept(&Methods::RequestLedger, &Methods::serve_ledger);
  nursery.start_named("ledger", [this] { ledger_.run(); });
  if (!metrics::enabled()) return;
  nursery.start_named("count of registrations", [this] {
    for (std::size_t known = 0;;) {
      metrics::set(metrics::Gauge::registrations, static_cast<double>(known));
      store_->changed().wait_until("a change of the registry", [&] { return store_->view().size() != known; });
      known = store_->view().size();
    }
  });
}

void Service::open(bool embedded) {
  open_ = true;
  embedded_ = embedded;
}

void Service::drain() {
  draining_ = true;
  store_->changed().wait_until("the last tree to leave", [this] { return methods_->trees == 0; });
}

void Service::stop() { methods_->acceptors.stop(); }

}  // namespace tractor::arbiter
