// The runtime of one actor: everything this process needs to be one, put together in this order and taken apart in the
// reverse one:
//
//   helper thread; the actor; supervision of its children; gRPC server with its completion queue; scheduler on it; links.
//
// One per process at a time. Made, run and destroyed by the thread that becomes the loop thread; what other threads may
// call says so.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/actor/actor.h"
#include "runtime/actor/definitions.h"
#include "runtime/process/helper_thread.h"
#include "runtime/process/runtime_directory.h"
#include "runtime/process/supervision.h"
#include "runtime/process/tcp_socket.h"
#include "runtime/task/scheduler.h"
#include "runtime/wire/health_service.h"
#include "runtime/wire/link_stream.h"
#include "runtime/wire/peer.h"
#include "runtime/wire/reflection_service.h"
#include "runtime/wire/server.h"

namespace tractor {

struct RuntimeOptions {
  ActorServer::Options server = {};
  SupervisionOptions supervision = {};
  Scheduler::Options scheduler = {};
};

class Runtime {
 public:
  // `definitions` outlive it. UsageError when this process has one already.
  Runtime(const Definitions& definitions, RuntimeOptions options);
  ~Runtime();

  // The running one; UsageError when there is none, or the caller is not a task of it.
  static Runtime& current();
  static Runtime* try_current() noexcept;

  // Runs `prepare` (with nothing served yet), then `main`, on the calling thread, as tasks; `main` inside the scope
  // that cancels the actor. Calls are served until `main` has ended; then `finish` runs. Throws what these throw. Once.
  struct Phases {
    std::function<void(TaskNursery& system)> prepare;
    std::function<void()> main;
    std::function<void()> finish;
    // Right after the system nursery has ended: acceptors that were started in `prepare` must stop.
    std::function<void()> stop = [] {};
  };
  void run(const Phases& phases);

  // Serves on a unix socket of the tree's directory from now on: the actor's first address.
  void listen_in(TreeDirectory directory);
  // And on this port, whose address is added.
  void listen_on(TcpPort port);
  // Serves also what connects to this socket (of TCP: where ActorServer::lets_tcp_in).
  void accept_on(UniqueDescriptor listening_socket);
  // Where others reach the actor, too: from when it is registered next.
  void add_address(Address address);

  // From now on SIGTERM, and SIGINT and SIGHUP unless they were ignored (a shell's background job, nohup), cancel the
  // actor, gracefully, within kDefaultBudget; a second SIGINT ends the tree by force. SIGUSR1 dumps the tasks.
  void handle_signals();
  // From now on SIGUSR1 writes the dump of task_dump.h to stderr, unless the program does something else with it.
  void dump_tasks_on_signal();
  // The first that came; 0: none.
  int received_signal() const { return received_signal_; }

  Actor& actor() { return actor_; }
  ActorServer& server() { return server_; }
  // Says that the actor serves from when it takes calls until it is cancelled. Other services of the server are added.
  HealthService& health() { return health_; }
  HelperThread& helper() { return helper_; }
  Supervision& supervision() { return supervision_; }
  Scheduler& scheduler() { return scheduler_; }
  WireContext& wire() { return wire_; }
  void set_registrar(Registrar* registrar) { registrar_ = registrar; }
  Registrar& registrar() { return *registrar_; }
  const std::string& arbiter_address() { return supervision_.options().arbiter_address; }

 private:
  HelperThread helper_;
  Actor actor_;
  Supervision supervision_;
  HealthService health_;
  ReflectionService reflection_{health_.names()};
  ActorServer server_;
  Scheduler scheduler_;
  Links links_;
  WireContext wire_;
  Registrar* registrar_ = nullptr;
  std::optional<TreeDirectory> directory_;
  std::string socket_path_;
  std::atomic<int> received_signal_ = 0;
};

}  // namespace tractor
