#include "runtime/actor/runtime.h"

#include <signal.h>
#include <unistd.h>

#include <iostream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "runtime/actor/task_dump.h"
#include "runtime/log.h"
#include "runtime/process/thread_stack.h"
#include "runtime/process/unix_socket.h"
#include "runtime/task/background_task.h"
#include "runtime/wire/error_info.h"
#include "runtime/wire/identity.h"
#include "runtime/wire/prepare_grpc.h"

namespace tractor {
namespace {

std::atomic<Runtime*> the_runtime = nullptr;

std::string log_context() {
  Runtime* runtime = the_runtime;
  if (runtime == nullptr) return "";
  if (Scheduler::try_current() == nullptr) return "[thread] ";
  return absl::StrCat(to_string(runtime->actor().self()), " [", current_task_name(), "] ");
}

ActorServer::Options with_services(ActorServer::Options options, Supervision& supervision, HealthService& health,
                                   ReflectionService& reflection) {
  options.services.insert(options.services.end(), {supervision.service(), health.service(), reflection.service()});
  options.unreachable_after = supervision.options().unreachable_after;
  return options;
}

// Stops something on the way out of the block, before any other event is handled.
template <class T>
struct StopAtEnd {
  T& object;
  ~StopAtEnd() { object.stop(); }
};

}  // namespace

Runtime::Runtime(const Definitions& definitions, RuntimeOptions options)
    : actor_((prepare_grpc(), definitions.functions)),
      supervision_(helper_, std::move(options.supervision)),
      server_(with_services(std::move(options.server), supervision_, health_, reflection_)),
      scheduler_(server_.port(), options.scheduler) {
  Runtime* none = nullptr;
  if (!the_runtime.compare_exchange_strong(none, this)) {
    throw UsageError("a program is running in this process already: there can be one root at a time");
  }
  wire_.port = &server_.port();
  wire_.links = &links_;
  wire_.calls = &actor_;
  wire_.unreachable_after = supervision_.options().unreachable_after;
  wire_.unacknowledged_after = supervision_.options().unacknowledged_after;
  supervision_.set_time_left([this] { return actor_.time_left(); });
  actor_.set_on_cancel([this](const ActorRef&, const std::string&) { health_.set_serving(false); });
  actor_.set_on_failed_call([this](LedgerEvent event) { supervision_.record(std::move(event)); });
  for (const char* name :
       {"tractor.v1.ActorService", "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"})
    health_.add(name);
  log::set_context(log_context);
  set_exception_types(&definitions.exceptions);
}

Runtime::~Runtime() {
  *wire_.ended = true;
  helper_.stop();
  if (!socket_path_.empty()) unlink(socket_path_.c_str());
  set_exception_types(nullptr);
  log::set_context(nullptr);
  the_runtime = nullptr;
}

Runtime* Runtime::try_current() noexcept { return Scheduler::try_current() == nullptr ? nullptr : the_runtime.load(); }

Runtime& Runtime::current() {
  Runtime* runtime = try_current();
  if (runtime == nullptr) {
    throw UsageError(
        "called outside a running program: use it in main's function (program.run), in an actor's function, or in a "
        "task; "
        "worker threads (in_thread, to_thread) cannot use it");
  }
  return *runtime;
}

void Runtime::run(const Phases& phases) {
  std::exception_ptr error;
  scheduler_.run([&] {
    struct Stop {
      void stop() {
        runtime.supervision_.stop();
        runtime.health_.stop();
        runtime.reflection_.stop();
        phases.stop();
      }
      Runtime& runtime;
      const Phases& phases;
    } acceptors{*this, phases};
    const StopAtEnd<Links> stop_links{links_};
    const StopAtEnd<Stop> stop_acceptors{acceptors};
    open_task_nursery([&](TaskNursery& system) {
      try {
        phases.prepare(system);
        wire_.self = actor_.self();
        helper_.every(std::chrono::duration_cast<std::chrono::milliseconds>(wire_.unreachable_after / 20),
                      [this] { server_.show_signs_of_life(); });
        supervision_.serve(server_, system, wire_, *registrar_);
        health_.serve(server_, system);
        reflection_.serve(server_, system);
        const StopAtEnd<ActorServer> stop_server{server_};
        open_task_nursery([&](TaskNursery& calls) {
          actor_.set_scope(&calls.cancel_scope());
          server_.serve(calls, actor_);
          health_.set_serving(!actor_.cancelled());
          phases.main();
          actor_.cancel(kDefaultBudget, {}, "its work is done");  // calls that are still running
        });
      } catch (...) {
        error = std::current_exception();
      }
      BackgroundTask::end_all();  // while links are there
      actor_.set_scope(nullptr);
      actor_.run_exit_callbacks(supervision_.budget_for({}));  // as much as a child would get
      phases.finish();
      system.cancel_scope().cancel();
    });
  });
  if (error != nullptr) std::rethrow_exception(error);
}

void Runtime::listen_in(TreeDirectory directory) {
  directory_.emplace(std::move(directory));
  socket_path_ = absl::StrCat(directory_->path(), "/", actor_.info().id, ".sock");
  accept_on(listen_on_unix_socket(socket_path_));
  add_address({.path = socket_path_});
}

void Runtime::add_address(Address address) {
  if (address.host == "0.0.0.0" || address.host == "::") address.host = host_name();
  actor_.add_address(to_string(address));
}

void Runtime::listen_on(TcpPort port) {
  for (UniqueDescriptor& listener : port.listeners) accept_on(std::move(listener));
  add_address(std::move(port.address));
}

void Runtime::accept_on(UniqueDescriptor listening_socket) {
  helper_.accept_on(listening_socket.release(), [this](int descriptor) { server_.add_connection(descriptor); });
}

void Runtime::handle_signals() {
  std::vector<int> signals = {SIGTERM};
  for (const int signal : {SIGINT, SIGHUP}) {  // that a shell's background job, or nohup, does not want to know
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) signals.push_back(signal);
  }
  helper_.watch_signals(signals, [this](int signal) {
    int none = 0;
    if (received_signal_.compare_exchange_strong(none, signal)) {
      scheduler_.post([this, signal] { actor_.cancel(kDefaultBudget, {}, absl::StrCat("signal ", signal)); });
    } else if (signal == SIGINT) {
      helper_.kill_tree();
      _exit(128 + signal);
    }
  });
  dump_tasks_on_signal();
}

void Runtime::dump_tasks_on_signal() {
  struct sigaction action {};
  sigaction(SIGUSR1, nullptr, &action);
  if (action.sa_handler != SIG_DFL) return;
  constexpr std::chrono::milliseconds kBusy = std::chrono::seconds(1);
  helper_.watch_signals({SIGUSR1}, [this, loop = pthread_self()](int /*signal*/) {
    const auto dumped = std::make_shared<std::atomic<bool>>(false);
    scheduler_.post([this, dumped] {
      *dumped = true;
      std::cerr << describe_tasks(actor_.self(), scheduler_) << std::flush;
    });
    helper_.after(kBusy, [loop, dumped] {
      if (*dumped) return;
      std::thread([stack = stack_of(loop)] {  // finding names takes long, and the helper thread must not wait
        std::cerr << describe_busy_loop(stack) << std::flush;
      })
          .detach();
    });
  });
}

}  // namespace tractor
