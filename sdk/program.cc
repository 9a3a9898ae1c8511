#include "tractor/program.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "arbiter/claim.h"
#include "arbiter/registrar.h"
#include "arbiter/service.h"
#include "runtime/actor/child_main.h"
#include "runtime/actor/credential.h"
#include "runtime/actor/runtime.h"
#include "runtime/log.h"
#include "runtime/process/launcher.h"
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
  Root(const FunctionTable& functions, RunOptions options, const std::vector<std::string>& command_line)
      : functions_(functions), options_(std::move(options)) {
    check_actor_name(options_.name);
    for (const std::string& text : options_.listen.get()) {
      if (parse_address(text).kind == Address::Kind::tcp) continue;
      throw UsageError("RunOptions.listen takes host:port addresses, not \"" + text +
                       "\": an actor serves a unix socket of its own anyway");
    }
    for (const std::string& module : options_.modules.get()) functions_.check_module_name(module);
    std::string address = or_environment(options_.arbiter, "TRACTOR_ARBITER");
    if (address.empty()) address = arbiter::default_address();
    claim_ = arbiter::claim(address);
    supervision_.argv = command_line;
    supervision_.arbiter_address = to_string(claim_.address);
    supervision_.credential_file = or_environment(options_.credential_file, "TRACTOR_CREDENTIAL_FILE");
    supervision_.insecure = options_.insecure;
    if (!supervision_.credential_file.empty()) {
      supervision_.credential_file = std::filesystem::absolute(supervision_.credential_file);  // main may go elsewhere
      token_ = read_credential(supervision_.credential_file);
    }
    if (claim_.ours && claim_.address.kind == Address::Kind::tcp && token_.empty() && !options_.insecure) {
      throw UsageError("no arbiter answers at " + to_string(claim_.address) +
                       "; this program would become it, but serving TCP needs a credential: name a file that holds a "
                       "secret token in "
                       "TRACTOR_CREDENTIAL_FILE, or ask for RunOptions.insecure");
    }
    start_runtime();
  }

  ~Root() {
    close_arbiter_client();
    registrar_.reset();
    runtime_.reset();
  }

  void run(const std::function<void()>& main) {
    bool finished = false;
    std::exception_ptr error;
    try {
      runtime_->run({.prepare = [this](TaskNursery& system) { prepare(system); },
                     .main =
                         [&] {
                           main();
                           finished = true;
                         },
                     .finish = [] {},
                     .stop = [this] { service_.stop(); }});
    } catch (...) {
      error = std::current_exception();
    }
    if (const int signal = runtime_->received_signal(); signal != 0 && !finished) {
      if (error != nullptr) log::error("while ending: " + describe(error));
      throw Interrupted(signal);
    }
    if (error != nullptr) std::rethrow_exception(error);
    if (!finished) {
      throw RemoteCancelled({.error_id = random_id(),
                             .type = "tractor::RemoteCancelled",
                             .message = "the program was cancelled by another actor",
                             .kind = ErrorKind::cancelled,
                             .origin = runtime_->actor().self()});
    }
  }

 private:
  void start_runtime() {
    try {
      runtime_.emplace(functions_, runtime_options());
    } catch (const UsageError&) {
      // Another program may have become the arbiter at that TCP address in the meantime.
      if (!claim_.ours || claim_.address.kind != Address::Kind::tcp || arbiter::is_vacant(claim_.address)) throw;
      claim_.ours = false;
      runtime_.emplace(functions_, runtime_options());
    }
    runtime_->wire().bearer_token = token_;
    registrar_.emplace(runtime_->wire(), supervision_.arbiter_address);
    runtime_->set_registrar(&*registrar_);
    runtime_->handle_signals();
  }

  RuntimeOptions runtime_options() {
    RuntimeOptions options{.supervision = supervision_};
    for (const std::string& text : options_.listen.get()) options.server.listen_tcp.push_back(parse_address(text));
    if (claim_.ours) {
      options.server.services = {service_.service()};
      if (claim_.address.kind == Address::Kind::tcp) options.server.listen_tcp.push_back(claim_.address);
    }
    options.server.bearer_token = token_;
    options.server.insecure = options_.insecure;
    return options;
  }

  void prepare(TaskNursery& system) {
    Actor& actor = runtime_->actor();
    actor.set_info({.name = options_.name,
                    .id = random_id(),
                    .incarnation = new_incarnation(),
                    .host = host_name(),
                    .pid = getpid()});
    runtime_->wire().self = actor.self();
    for (const std::string& module : options_.modules.get()) actor.enable(module);
    TreeDirectory directory = TreeDirectory::create(actor.info().id);
    runtime_->supervision().options().tree_directory = directory.path();
    runtime_->listen_in(std::move(directory));
    if (claim_.ours) {
      service_.serve(runtime_->server(), system, actor.self());
      if (claim_.listener) runtime_->accept_on(std::move(claim_.listener));
    }
    registrar_->start(system);
    registrar_->add(actor.info());
  }

  const FunctionTable& functions_;
  RunOptions options_;
  std::string token_;
  SupervisionOptions supervision_;
  arbiter::Claim claim_;
  arbiter::Service service_;
  std::optional<Runtime> runtime_;
  std::optional<arbiter::TreeRegistrar> registrar_;
};

// One line for each error, members of groups indented below theirs.
void print_error(const std::exception_ptr& error, const std::string& indentation) {
  std::cerr << indentation << type_name_of(error) << ": " << describe(error) << '\n';
  try {
    std::rethrow_exception(error);
  } catch (const ExceptionGroup& group) {
    for (const std::exception_ptr& member : group.exceptions()) print_error(member, indentation + "  ");
  } catch (...) {
  }
}

}  // namespace

Interrupted::Interrupted(int signal)
    : Error("interrupted by signal " + std::to_string(signal) + " (" + strsignal(signal) + ")"), signal_(signal) {}

Program::Program(int argc, char** argv) : command_line_(argv, argv + argc) { open_standard_descriptors(); }

Program::~Program() = default;

void Program::serve_if_child() {
  if (is_child_process()) run_child(table_);
}

void Program::run_root(const RunOptions& options, const std::function<void()>& main) {
  serve_if_child();
  while (true) {
    try {
      return Root(table_, options, command_line_).run(main);
    } catch (const arbiter::ArbiterGone& e) {  // before main began
      log::info(e.what());
    }
  }
}

int Program::run_daemon(const RunOptions& options) {
  return exit_status([&]() -> int {
    try {
      run_root(options, [] { sleep_forever(); });
    } catch (const RemoteCancelled&) {  // as it should end
    }
    return 0;
  });
}

int Program::exit_status(const std::function<int()>& run) {
  constexpr int kUsageError = 2;
  try {
    return run();
  } catch (const Interrupted& e) {
    return 128 + e.signal();
  } catch (const UsageError& e) {
    std::cerr << "tractor: " << e.what() << '\n';
    return kUsageError;
  } catch (...) {
    std::cerr << "tractor: uncaught error\n";
    print_error(std::current_exception(), "  ");
    return EXIT_FAILURE;
  }
}

}  // namespace tractor
