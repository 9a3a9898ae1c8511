#include "runtime/actor/child_main.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "runtime/actor/credential.h"
#include "runtime/actor/metrics_option.h"
#include "runtime/actor/runtime.h"
#include "runtime/log.h"
#include "runtime/process/launcher.h"
#include "runtime/process/parent_link.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/error_info.h"
#include "runtime/wire/fault_plan.h"
#include "runtime/wire/identity.h"
#include "runtime/wire/value_codec.h"

namespace tractor {
namespace {

// Whoever made the socket pair is our parent; nobody when there is no socket.
std::optional<pid_t> parent_by_socket() {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(kSupervisionDescriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer.pid;
}

// The nursery whose deadline has passed ends this actor; this much later it was moved.
constexpr Clock::duration kAfterDeadline = std::chrono::seconds(1);

// Ends this process soon after its parent has died, whatever the loop is doing.
void watch_parent(Runtime& runtime) {
  // A stopped child must wake up to notice; PR_SET_PDEATHSIG is about the thread that spawned us, which is the parent's
  // loop.
  prctl(PR_SET_PDEATHSIG, SIGCONT, 0, 0, 0);
  const pid_t parent = parent_by_socket().value();
  const UniqueDescriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, parent, 0)));
  if (!pidfd || getppid() != parent) _exit(EXIT_FAILURE);  // it is gone already
  runtime.helper().watch_parent(pidfd.get(), kParentDeathGrace, [&runtime] {
    runtime.scheduler().post([&runtime] { runtime.actor().cancel(kParentDeathGrace, {}, "its parent died"); });
  });
}

// What was written to stderr so far went to the parent, for the error of a failed start; from now on it goes where the
// parent's goes.
void restore_stderr() {
  std::cerr.flush();
  dup2(kStderrDescriptor, STDERR_FILENO);
  close(kStderrDescriptor);
}

class ChildMain {
 public:
  explicit ChildMain(const Definitions& definitions)
      : runtime_(definitions, {}),
        link_(fcntl(kSupervisionDescriptor, F_DUPFD_CLOEXEC, kStderrDescriptor + 1), runtime_.server().port().queue()) {
    runtime_.set_registrar(&link_);
  }

  void run() {
    watch_parent(runtime_);
    runtime_.dump_tasks_on_signal();
    close(kSupervisionDescriptor);
    runtime_.run({.prepare = [this](TaskNursery& system) { become_what_the_parent_wants(system); },
                  .main = [this] { main(); },
                  .finish = [this] { link_.close(runtime_.actor().time_left().value_or(kDefaultBudget)); }});
  }

 private:
  void become_what_the_parent_wants(TaskNursery& system) {
    Actor& actor = runtime_.actor();
    spec_ =
        link_.start(system, {.on_cancel = [&actor](Clock::duration budget, const ActorRef& by,
                                                   const std::string& reason) { actor.cancel(budget, by, reason); },
                             .on_parent_gone = [&actor] { actor.cancel(kParentDeathGrace, {}, "its parent died"); }});
    log::to_console(log::parse_level(spec_.log_level()));
    ActorInfo info{.name = spec_.name(),
                   .id = spec_.actor_id(),
                   .incarnation = new_incarnation(),
                   .labels = {spec_.labels().begin(), spec_.labels().end()},
                   .host = host_name(),
                   .pid = getpid()};
    metrics_ = serve_metrics_if_asked(IsRoot::kNo, info);
    actor.set_info(std::move(info));
    begin_faults(spec_.name(), false);
    for (const std::string& module : spec_.modules()) actor.enable(module);
    for (const auto& [key, value] : spec_.statespace()) actor.statespace()[key] = decode(value);
    if (spec_.has_one_shot())
      actor.enable(spec_.one_shot().function().substr(0, spec_.one_shot().function().find('.')));
    actor.set_on_cancel_request([this](const ActorRef& by) { link_.send_ending(by); });
    SupervisionOptions& options = runtime_.supervision().options();
    options.arbiter_address = spec_.arbiter_address();
    options.actor_namespace = spec_.namespace_();
    options.tree_directory = spec_.tree_directory();
    options.credential_file = spec_.credential_file();
    options.insecure = spec_.insecure();
    options.unreachable_after = runtime_.wire().unreachable_after = decode_duration(spec_.unreachable_after());
    options.unacknowledged_after = runtime_.wire().unacknowledged_after = decode_duration(spec_.unacknowledged_after());
    options.argv = own_command_line();
    if (!options.credential_file.empty()) runtime_.wire().bearer_token = read_credential(options.credential_file);
    runtime_.listen_in(TreeDirectory::join(spec_.tree_directory()));
    system.start_named("load reporter", [this] { report_load(runtime_.actor(), link_); });
  }

  void main() {
    restore_stderr();
    link_.send_ready(runtime_.actor().info());
    if (spec_.has_one_shot()) run_function();
    sleep_forever();
  }

  void run_function() {
    name_current_task(spec_.one_shot().function());
    try {
      const Function* function = runtime_.actor().functions().find(spec_.one_shot().function());
      if (function == nullptr)
        throw CallError(ErrorKind::not_found, absl::StrCat("no function \"", spec_.one_shot().function(), "\""));
      CancelScope until_deadline;
      if (spec_.one_shot().has_timeout())
        until_deadline.set_deadline(deadline_after(decode_duration(spec_.one_shot().timeout())));
      until_deadline.run([&] {
        Value value = open_task_nursery([&](TaskNursery&) {
          return function->run({.positional = decode_arguments(function->qualified_name, spec_.one_shot().args())}, {});
        });
        link_.send_outcome(function->qualified_name, std::move(value));
      });
      if (!until_deadline.cancelled_caught()) return;
      sleep(kAfterDeadline);
      throw CallError(ErrorKind::deadline_exceeded,
                      absl::StrCat(function->qualified_name,
                                   ": the deadline that its nursery had when it was started has "
                                   "passed; one that is moved later does not travel"));
    } catch (const Cancelled&) {
      throw;
    } catch (...) {
      link_.send_outcome(error_info(std::current_exception(), runtime_.actor().self()));
    }
  }

  std::unique_ptr<metrics::MetricsServer> metrics_;
  Runtime runtime_;
  ParentLink link_;
  v1::SpawnSpec spec_;
};

}  // namespace

bool is_child_process() { return std::getenv(kChildMarker) != nullptr; }

void die_with_parent_until_served() {
  const std::optional<pid_t> parent = is_child_process() ? parent_by_socket() : std::nullopt;
  if (!parent) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid() != *parent) _exit(EXIT_FAILURE);  // it is gone already
}

void run_child(const Definitions& definitions) {
  int status = EXIT_SUCCESS;
  try {
    if (!parent_by_socket()) {
      throw UsageError(absl::StrCat(kChildMarker, " is set, but descriptor ", kSupervisionDescriptor,
                                    " is no socket to a parent: unset it to start this program as a root"));
    }
    unsetenv(kChildMarker);  // what this process executes is no child of ours
    fcntl(kSupervisionDescriptor, F_SETFD, FD_CLOEXEC);
    fcntl(kStderrDescriptor, F_SETFD, FD_CLOEXEC);
    ChildMain(definitions).run();
  } catch (const std::exception& e) {
    std::cerr << "tractor: " << e.what() << '\n';
    status = EXIT_FAILURE;
  }
  std::exit(status);
}

}  // namespace tractor
