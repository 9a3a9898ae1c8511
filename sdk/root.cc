#include "sdk/root.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_join.h"
#include "arbiter/addresses.h"
#include "arbiter/check.h"
#include "arbiter/claim.h"
#include "arbiter/exclusive_name.h"
#include "arbiter/service.h"
#include "arbiter/tree_registrar.h"
#include "runtime/actor/credential.h"
#include "runtime/actor/metrics_option.h"
#include "runtime/actor/runtime.h"
#include "runtime/log.h"
#include "runtime/wire/error_info.h"
#include "runtime/wire/fault_plan.h"
#include "runtime/wire/identity.h"
#include "sdk/arbiter_access.h"

namespace tractor {
namespace {

std::string or_environment(std::string option, const char* variable) {
  if (!option.empty()) return option;
  const char* value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

// The root actor of a program, and the arbiter where nobody else is it.
class Root {
 public:
  Root(const Definitions& definitions, const std::vector<std::string>& command_line, RunOptions options,
       HandlesSignals handles_signals)
      : definitions_(definitions), options_(std::move(options)), handles_signals_(handles_signals) {
    check_actor_name(options_.name);
    begin_faults(options_.name, true);
    std::vector<Address> addresses;
    for (const std::string& text : options_.listen.get()) {
      addresses.push_back(parse_address(text));
      if (addresses.back().kind == Address::Kind::tcp) continue;
      throw UsageError("RunOptions.listen takes host:port addresses, not \"" + text +
                       "\": an actor serves a unix socket of its own anyway");
    }
    for (const std::string& module : options_.modules.get()) definitions_.functions.check_module_name(module);
    std::string address = or_environment(options_.arbiter, "TRACTOR_ARBITER");
    if (address.empty()) address = arbiter::default_address();
    const std::vector<std::string> arbiters = arbiter::parse_addresses(address);
    if (arbiters.size() == 1) claim_ = arbiter::claim(address);  // several are programs of their own
    supervision_.argv = command_line;
    supervision_.arbiter_address = absl::StrJoin(arbiters, ",");
    supervision_.actor_namespace = or_environment(options_.actor_namespace, "TRACTOR_NAMESPACE");
    arbiter::check_namespace(supervision_.actor_namespace);
    check_labels(options_.labels);
    supervision_.credential_file = or_environment(options_.credential_file, "TRACTOR_CREDENTIAL_FILE");
    supervision_.insecure = options_.insecure;
    if (options_.unreachable_after < std::chrono::seconds(1) || options_.unreachable_after > std::chrono::hours(24))
      throw UsageError("RunOptions.unreachable_after is from 1 s, as a peer needs time to answer, to 24 h");
    supervision_.unreachable_after = options_.unreachable_after;
    if (options_.unacknowledged_after <= Clock::duration::zero())
      throw UsageError("RunOptions.unacknowledged_after is more than 0: an actor needs some time to answer");
    supervision_.unacknowledged_after = options_.unacknowledged_after;
    if (!supervision_.credential_file.empty()) {
      supervision_.credential_file = std::filesystem::absolute(supervision_.credential_file);  // main may go elsewhere
      token_ = read_credential(supervision_.credential_file);
    }
    if (claim_.ours && claim_.address.kind == Address::Kind::tcp && !ActorServer::lets_tcp_in(server_options())) {
      throw UsageError("no arbiter answers at " + to_string(claim_.address) +
                       "; this program would become it, but serving TCP needs a credential: name a file that holds a "
                       "secret token in "
                       "TRACTOR_CREDENTIAL_FILE, or ask for RunOptions.insecure");
    }
    for (const Address& listen : addresses) {
      ActorServer::check_lets_tcp_in(listen, server_options());
      ports_.push_back(listen_on_tcp(listen));
    }
    start_runtime();
  }

  ~Root() {
    close_arbiter_client();
    registrar_.reset();
    runtime_.reset();
    end_faults();
  }

  void run(const std::function<void()>& main) {
    bool finished = false;
    std::exception_ptr error;
    try {
      runtime_->run({.prepare = [this](TaskNursery& system) { prepare(system); },
                     .main =
                         [&] {
                           if (runtime_->actor().cancelled()) return;  // before it has begun
                           run_recorded(main);
                           finished = true;
                         },
                     .finish =
                         [this] {
                           record(LedgerEvent::Kind::ended);
                           registrar_->leave();
                         },
                     .stop = [this] { service_.stop(); }});
    } catch (...) {
      error = std::current_exception();
    }
    if (const int signal = runtime_->received_signal(); !finished && (signal != 0 || !name_taken_.empty())) {
      if (error != nullptr) log::error("while ending: " + describe(error));
      if (signal != 0) throw Interrupted(signal);
      throw NameTaken(name_taken_);
    }
    if (error != nullptr) std::rethrow_exception(error);
    if (!finished) {
      throw RemoteCancelled(cancelled_by(cancelled_by_, "the program was cancelled by " + to_string(cancelled_by_),
                                         runtime_->actor().self()));
    }
  }

 private:
  void record(LedgerEvent::Kind kind, LedgerEvent event = {}) {
    event.kind = kind;
    event.actor = runtime_->actor().self();
    event.pid = getpid();
    runtime_->supervision().record(std::move(event));
  }

  void run_recorded(const std::function<void()>& main) {
    record(LedgerEvent::Kind::serving);
    runs_main_ = true;
    const absl::Cleanup ran = [this] { runs_main_ = false; };
    try {
      main();
    } catch (const Cancelled&) {
      throw;
    } catch (...) {
      const ErrorInfo error = error_head(std::current_exception());
      record(LedgerEvent::Kind::failed, {.error_type = error.type, .message = error.message});
      throw;
    }
  }

  ActorServer::Options server_options() const { return {.bearer_token = token_, .insecure = options_.insecure}; }

  void start_runtime() {
    RuntimeOptions options{.server = server_options(),
                           .supervision = supervision_,
                           .scheduler = {.reports_overflow = handles_signals_ == HandlesSignals::kYes}};
    options.server.services = {service_.service()};
    runtime_.emplace(definitions_, std::move(options));
    runtime_->wire().bearer_token = token_;
    registrar_.emplace(runtime_->wire(), supervision_.arbiter_address, supervision_.actor_namespace,
                       [this] { take_over_arbiter(); });
    runtime_->set_registrar(&*registrar_);
    if (handles_signals_ == HandlesSignals::kYes) runtime_->handle_signals();
  }

  void prepare(TaskNursery& system) {
    Actor& actor = runtime_->actor();
    ActorInfo info{.name = options_.name,
                   .id = random_id(),
                   .incarnation = new_incarnation(),
                   .labels = options_.labels,
                   .host = host_name(),
                   .pid = getpid(),
                   .exclusive = options_.exclusive_name};
    metrics_ = serve_metrics_if_asked(IsRoot::kYes, info);
    actor.set_info(std::move(info));
    actor.set_on_cancel([this](const ActorRef& by, const std::string& reason) {
      runtime_->health().set_serving(false);
      if (runs_main_) record(LedgerEvent::Kind::cancelled, {.by = by, .message = reason});
    });
    actor.set_on_cancel_request([this](const ActorRef& by) { cancelled_by_ = by; });
    runtime_->wire().self = actor.self();
    for (const std::string& module : options_.modules.get()) actor.enable(module);
    TreeDirectory directory = TreeDirectory::create(actor.info().id);
    runtime_->supervision().options().tree_directory = directory.path();
    runtime_->listen_in(std::move(directory));
    for (TcpPort& port : ports_) runtime_->listen_on(std::move(port));
    service_.serve(runtime_->server(), system, actor.self());
    if (claim_.ours) serve_arbiter();
    CancelScope starting;  // a signal ends it, too
    actor.set_scope(&starting);
    const absl::Cleanup started = [&] { actor.set_scope(nullptr); };
    starting.run([&] {
      registrar_->start(system);
      registrar_->add(actor.info());
    });
    if (starting.cancelled_caught()) return;
    if (options_.exclusive_name) system.start_named("exclusive name", [this] { end_when_the_name_is_taken(); });
    system.start_named("load reporter", [this] { report_load(runtime_->actor(), *registrar_); });
  }

  void end_when_the_name_is_taken() {
    name_taken_ = registrar_->wait_until_taken();
    log::error("this program ends: " + name_taken_);
    runtime_->actor().cancel(kDefaultBudget, runtime_->actor().self(), name_taken_);
  }

  void serve_arbiter() {
    service_.open(true);
    runtime_->health().add("tractor.v1.ArbiterService");
    for (UniqueDescriptor& listener : claim_.listeners) runtime_->accept_on(std::move(listener));
    if (claim_.address.kind == Address::Kind::tcp) runtime_->add_address(claim_.address);
  }

  // The arbiter's program has ended.
  void take_over_arbiter() {
    if (claim_.ours) return;
    if (claim_.address.kind == Address::Kind::tcp && !ActorServer::lets_tcp_in(server_options())) return;
    try {
      arbiter::Claim again = arbiter::reclaim(claim_.address);
      if (!again.ours) return;
      claim_ = std::move(again);
    } catch (const std::exception& e) {
      log::warning(std::string("cannot take over the arbiter's place: ") + e.what());
      return;
    }
    log::warning("the arbiter has ended: this program takes its place at " + to_string(claim_.address));
    serve_arbiter();
    registrar_->update(runtime_->actor().info());
  }

  const Definitions& definitions_;
  RunOptions options_;
  HandlesSignals handles_signals_;
  bool runs_main_ = false;
  std::string name_taken_;
  ActorRef cancelled_by_ = {.name = "another actor"};
  std::string token_;
  SupervisionOptions supervision_;
  arbiter::Claim claim_;
  std::vector<TcpPort> ports_;  // until they are served
  std::unique_ptr<metrics::MetricsServer> metrics_;
  arbiter::Service service_;
  std::optional<Runtime> runtime_;
  std::optional<arbiter::TreeRegistrar> registrar_;
};

}  // namespace

void run_root(const Definitions& definitions, const std::vector<std::string>& command_line, const RunOptions& options,
              HandlesSignals handles_signals, const std::function<void()>& main) {
  while (true) {
    try {
      return Root(definitions, command_line, options, handles_signals).run(main);
    } catch (const arbiter::ArbiterGone& e) {  // before main began
      log::info(e.what());
    }
  }
}

}  // namespace tractor
