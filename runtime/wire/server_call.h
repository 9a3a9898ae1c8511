// Server-side calls, each run by a task.
//
// Acceptors keep one request for the next call of each method outstanding; when a call arrives they start a task for
// it. The task's ServerCall tells when the client cancels or goes (AsyncNotifyWhenDone), and lives until gRPC has
// delivered all its tags. Loop thread only.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/async_unary_call.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/log.h"
#include "runtime/task/condition.h"
#include "runtime/task/task_nursery.h"
#include "runtime/wire/completion_queue.h"

namespace tractor {

class ServerCall {
 public:
  ServerCall() { context_.AsyncNotifyWhenDone(client_done_.tag()); }
  ServerCall(const ServerCall&) = delete;
  ServerCall& operator=(const ServerCall&) = delete;

  grpc::ServerContext& context() { return context_; }

  // Runs `body` in a scope that is cancelled when the client cancels or disconnects. Returns whether that cut it short.
  template <class F>
  bool run_while_wanted(F&& body) {
    CancelScope scope;
    client_done_.scope = &scope;
    if (client_done_.cancelled) scope.cancel();
    struct Reset {
      ClientDone& done;
      ~Reset() { done.scope = nullptr; }
    } reset{client_done_};
    scope.run(body);
    return scope.cancelled_caught();
  }

  // Until the tag of something sent has come; returns gRPC's ok. A client that does not read cannot keep this actor
  // from ending: once the task is cancelled it has kSendTimeout, then its connection is closed.
  bool wait_sent(Operation& op) {
    return wait_sent(op, [] { return deadline_after(kSendTimeout); });
  }
  // The same, for several that have one deadline, which is asked for once the task is cancelled.
  bool wait_sent(Operation& op, const std::function<Clock::time_point()>& deadline);
  static constexpr Clock::duration kSendTimeout = std::chrono::seconds(1);

  // For a stream whose writes go on by their tags, one in flight: waits, whatever is cancelled, until `all_written` and
  // nothing is `writing`, for at most kSendTimeout, and then until that write has ended: a caller that does not read is
  // cut off. Whatever these look at notifies `changed`.
  template <class Writing, class AllWritten>
  void wait_written(Condition& changed, Writing&& writing, AllWritten&& all_written) {
    CancelScope({.deadline = deadline_after(kSendTimeout), .shield = true}).run([&] {
      changed.wait_until("a stream's last messages", [&] { return !writing() && all_written(); });
    });
    if (writing()) cut_off();
    CancelScope({.shield = true}).run([&] { changed.wait_until("a write to be cut off", [&] { return !writing(); }); });
  }

  // Closes its connection.
  void cut_off();

  // After the final operation's tag: waits until gRPC is done with the call.
  void wait_until_done() { client_done_.waiter.wait_shielded(); }

 private:
  struct ClientDone final : Tag {
    explicit ClientDone(grpc::ServerContext& c) : context(c) {}
    void done(bool /*ok*/) override {
      cancelled = context.IsCancelled();
      if (cancelled && scope != nullptr) scope->cancel();
      waiter.wake();
    }
    grpc::ServerContext& context;
    Waiter waiter{"the end of a served call"};
    CancelScope* scope = nullptr;
    bool cancelled = false;
  };

  grpc::ServerContext context_;
  ClientDone client_done_{context_};
};

template <class Request, class Response>
struct UnaryCall : ServerCall {
  Request request;
  grpc::ServerAsyncResponseWriter<Response> responder{&context()};

  template <class Service, class Method>
  void request_next(Service& service, Method method, grpc::ServerCompletionQueue* queue, Tag& tag) {
    (service.*method)(&context(), &request, &responder, queue, queue, tag.tag());
  }
  // Sends the one response, or the error; waits until it is out.
  void finish(const Response& response, const grpc::Status& status) {
    Operation op("a response to be sent");
    if (status.ok()) {
      responder.Finish(response, status, op.tag());
    } else {
      responder.FinishWithError(status, op.tag());
    }
    wait_sent(op);
    wait_until_done();
  }
  void refuse(const grpc::Status& status) { finish({}, status); }
};

template <class Request, class Response>
struct StreamCall : ServerCall {
  grpc::ServerAsyncReaderWriter<Response, Request> stream{&context()};

  template <class Service, class Method>
  void request_next(Service& service, Method method, grpc::ServerCompletionQueue* queue, Tag& tag) {
    (service.*method)(&context(), &stream, queue, queue, tag.tag());
  }
  // The next message; false at the end of the stream. When the task is cancelled, so is the stream, and this is false.
  bool read(Request& request) {
    Operation op("a message on a stream");
    stream.Read(&request, op.tag());
    return op.wait([this] { context().TryCancel(); });
  }
  // Ends the stream; after reader and writer have ended.
  void finish(const grpc::Status& status) {
    Operation op("a stream to end");
    stream.Finish(status, op.tag());
    wait_sent(op);
    wait_until_done();
  }
  void refuse(const grpc::Status& status) { finish(status); }
};

// One request, many responses.
template <class Request, class Response>
struct WriterCall : ServerCall {
  Request request;
  grpc::ServerAsyncWriter<Response> writer{&context()};

  template <class Service, class Method>
  void request_next(Service& service, Method method, grpc::ServerCompletionQueue* queue, Tag& tag) {
    (service.*method)(&context(), &request, &writer, queue, queue, tag.tag());
  }
  // Waits until the client has room for it; false when the stream has ended. Goes out also when the task is cancelled.
  bool write(const Response& response) {
    Operation op("a response to be sent");
    writer.Write(response, op.tag());
    return wait_sent(op);
  }
  // Ends the stream.
  void finish(const grpc::Status& status) {
    Operation op("a stream to end");
    writer.Finish(status, op.tag());
    wait_sent(op);
    wait_until_done();
  }
};

// Of a service's methods. Lives until the server was shut down and the queue drained.
class Acceptors {
 public:
  // Takes calls of `method`, a RequestX of the generated service, from now on; `handle` runs each in a task of
  // `nursery`, finishes it, and throws nothing but Cancelled.
  template <class Call, class Service, class Method>
  void accept(TaskNursery& nursery, grpc::ServerCompletionQueue* queue, Service& service, Method method,
              std::function<void(Call&)> handle) {
    acceptors_.push_back(std::make_unique<Acceptor<Call>>(
        nursery, [&service, method, queue](Call& call, Tag& tag) { call.request_next(service, method, queue, tag); },
        std::move(handle)));
  }

  // Starts no more tasks: the nursery has ended. A call that comes now is answered by the server's shutdown,
  // UNAVAILABLE.
  void stop() {
    for (const auto& acceptor : acceptors_) acceptor->stopped = true;
  }

 private:
  struct Stoppable {
    virtual ~Stoppable() = default;
    bool stopped = false;
  };

  template <class Call>
  class Acceptor final : public Stoppable, private Tag {
   public:
    Acceptor(TaskNursery& nursery, std::function<void(Call&, Tag&)> request, std::function<void(Call&)> handle)
        : nursery_(nursery), request_(std::move(request)), handle_(std::move(handle)) {
      accept_next();
    }

   private:
    void accept_next() {
      next_ = std::make_unique<Call>();
      request_(*next_, *this);
    }
    void done(bool ok) override {
      if (!ok || stopped) return;
      const std::shared_ptr<Call> call = std::move(next_);
      try {
        nursery_.start_soon([this, call] { handle_(*call); });
      } catch (const std::exception& e) {  // there is no memory for its stack
        log::error(std::string("a call is refused: ") + e.what());
        call->context().TryCancel();
        refused_.push_back(call);
      }
      accept_next();
    }

    TaskNursery& nursery_;
    std::function<void(Call&, Tag&)> request_;
    std::function<void(Call&)> handle_;
    std::unique_ptr<Call> next_;
    std::vector<std::shared_ptr<Call>> refused_;  // gRPC still has their tags
  };

  std::vector<std::unique_ptr<Stoppable>> acceptors_;
};

}  // namespace tractor
