// tractor-arbiter: the registry as a service.
#include <CLI/CLI.hpp>
#include <iostream>

#include "arbiter/claim.h"
#include "arbiter/health.h"
#include "arbiter/ledger_files.h"
#include "arbiter/make_store.h"
#include "arbiter/service.h"
#include "arbiter/show_ledger.h"
#include "runtime/actor/credential.h"
#include "runtime/actor/metrics_option.h"
#include "runtime/actor/runtime.h"
#include "runtime/log.h"
#include "runtime/log_format.h"
#include "runtime/process/launcher.h"
#include "runtime/version.h"
#include "runtime/wire/identity.h"

namespace tractor::arbiter {
namespace {

struct Settings {
  std::vector<std::string> listen;
  std::string credential_file;
  bool insecure = false;
  double drain_seconds = 0;
  std::string health;
  std::string metrics;
  std::string log_level;
  std::string store = "memory";
  std::string ledger;
  std::uint64_t ledger_megabytes = 128;
  int store_timeout = 30;
  int ttl = std::chrono::duration_cast<std::chrono::seconds>(kDefaultTtl).count();
  std::string log_format;
  std::string events;
  LedgerQuestion question;
  std::vector<std::string> kinds;
  double since_seconds = 0;
  double until_seconds = 0;
};

constexpr const char* kExitStatuses =
    "Exit status:\n"
    "  0    it was ended by SIGTERM, SIGINT or SIGHUP; with --health: SERVING; with --events: all were printed\n"
    "  1    an error; with --health: anything else, or no answer; with --events: no answer within 30 s\n"
    "  2    a wrong option, address, file or directory\n"
    "  3    the store could not be reached in time\n"
    "  130  a second SIGINT ended it at once";

// The arbiter is the one who is told, and has no children.
class NoRegistrar final : public Registrar {
 public:
  void add(const ActorInfo& /*info*/) override {}
  void remove(const std::string& /*actor_id*/) override {}
  void load(const std::string& /*actor_id*/, std::uint32_t /*calls_in_flight*/) override {}
  void spawned(pid_t /*pid*/) override {}
  void reaped(pid_t /*pid*/) override {}
  void record(LedgerEvent /*event*/) override {}
};

// Once it is cancelled it goes on for a while: probes see that it is about to end, and who asks meanwhile is answered.
void serve_until_cancelled(Service& service, double drain_seconds) {
  try {
    sleep_forever();
  } catch (const Cancelled&) {
    const auto limit = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(drain_seconds));
    if (limit > Clock::duration::zero())
      CancelScope({.deadline = deadline_after(limit), .shield = true}).run([&] { service.drain(); });
    throw;
  }
}

int probe(const std::string& address) {
  constexpr std::chrono::seconds kTimeout(2);
  const Health health = ask_health(address, kTimeout);
  (health.serving ? std::cout : std::cerr) << health.description << '\n';
  return health.serving ? 0 : 1;
}

void show_events(Settings& settings) {
  constexpr std::chrono::seconds kTimeout(30);
  LedgerQuestion& question = settings.question;
  const auto ago = [](double seconds) {
    return std::chrono::system_clock::now() -
           std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::duration<double>(seconds));
  };
  if (settings.since_seconds > 0) question.query.since = ago(settings.since_seconds);
  if (settings.until_seconds > 0) question.query.until = ago(settings.until_seconds);
  const char* actor_namespace = std::getenv("TRACTOR_NAMESPACE");
  if (question.actor_namespace.empty() && actor_namespace != nullptr) question.actor_namespace = actor_namespace;
  if (!settings.credential_file.empty()) question.bearer_token = read_credential(settings.credential_file);
  show_ledger(settings.events, question, kTimeout, std::cout, std::cerr);
}

std::unique_ptr<LedgerFiles> open_ledger(const Settings& settings) {
  if (settings.ledger.empty()) return nullptr;
  LedgerFiles::Options options;
  options.file_bytes = (settings.ledger_megabytes << 20) / static_cast<std::uint64_t>(options.files);
  return std::make_unique<LedgerFiles>(settings.ledger, options);
}

void serve(const Settings& settings) {
  std::vector<Claim> claims;
  std::vector<Address> addresses;
  RuntimeOptions options;
  for (const std::string& text : settings.listen) {
    const Address address = parse_address(text);
    if (address.kind == Address::Kind::tcp) {
      addresses.push_back(address);
      continue;
    }
    claims.push_back(claim(text));
    if (!claims.back().ours)
      throw UsageError("another arbiter serves " + text + " already; end it, or --listen on another address");
  }
  if (!settings.credential_file.empty()) options.server.bearer_token = read_credential(settings.credential_file);
  options.server.insecure = settings.insecure;
  const auto metrics = settings.metrics.empty() ? nullptr : serve_metrics(settings.metrics);
  Service service(make_store(settings.store, std::chrono::seconds(settings.store_timeout)),
                  std::chrono::seconds(settings.ttl), open_ledger(settings));
  options.server.services = {service.service()};
  std::vector<TcpPort> ports;
  for (const Address& address : addresses) {
    ActorServer::check_lets_tcp_in(address, options.server);
    ports.push_back(listen_on_tcp(address));
  }

  const Definitions none;
  NoRegistrar registrar;
  Runtime runtime(none, std::move(options));
  runtime.set_registrar(&registrar);
  runtime.handle_signals();
  runtime.run({.prepare =
                   [&](TaskNursery& system) {
                     runtime.actor().set_info({.name = "arbiter",
                                               .id = random_id(),
                                               .incarnation = new_incarnation(),
                                               .host = host_name(),
                                               .pid = getpid()});
                     CancelScope starting;  // a signal ends it, too
                     runtime.actor().set_scope(&starting);
                     starting.run([&] { service.serve(runtime.server(), system, runtime.actor().self()); });
                     runtime.actor().set_scope(nullptr);
                     if (starting.cancelled_caught()) return;
                     service.open(false);
                     runtime.health().add("tractor.v1.ArbiterService");
                     for (Claim& c : claims) {
                       for (UniqueDescriptor& listener : c.listeners) runtime.accept_on(std::move(listener));
                       std::cout << "listening on " << to_string(c.address) << '\n';
                     }
                     for (TcpPort& port : ports) {
                       std::cout << "listening on " << to_string(port.address) << '\n';
                       runtime.listen_on(std::move(port));
                     }
                     if (metrics != nullptr) std::cout << "metrics on port " << metrics->port() << '\n';
                     std::cout.flush();
                   },
               .main = [&] { serve_until_cancelled(service, settings.drain_seconds); },
               .finish = [] {},
               .stop = [&] { service.stop(); }});
}

}  // namespace
}  // namespace tractor::arbiter

int main(int argc, char** argv) {
  tractor::open_standard_descriptors();
  tractor::arbiter::Settings settings;
  CLI::App app(
      "A registry through which tractor's actors find each other.\n"
      "Prints \"listening on ADDRESS\" for each address and serves until SIGTERM, SIGINT or SIGHUP.");
  app.name("tractor-arbiter");
  app.set_version_flag("--version", std::string("tractor-arbiter ") + tractor::version());
  app.add_option("--listen", settings.listen,
                 "Address to serve, unix:/path or host:port (port 0: any); may be repeated. Default: TRACTOR_ARBITER, "
                 "else the socket in the "
                 "runtime directory, which programs look at by default");
  app.add_option("--credential-file", settings.credential_file,
                 "File with the secret token that callers over TCP must show")
      ->envname("TRACTOR_CREDENTIAL_FILE");
  app.add_flag("--insecure", settings.insecure, "Let everyone in who reaches a TCP port");
  app.add_option(
         "--store", settings.store,
         "Where registrations are kept: memory, or etcd://HOST:PORT,... (members of one cluster), which several "
         "arbiters share")
      ->capture_default_str();
  app.add_option("--store-timeout", settings.store_timeout,
                 "Seconds for which an etcd that does not answer at the start is tried; then the exit status is 3")
      ->capture_default_str()
      ->check(CLI::Range(0, 86400));
  app.add_option(
      "--ledger", settings.ledger,
      "Directory in which to keep the ledger of what becomes of actors. Default: the newest 10000 events, in "
      "memory");
  app.add_option("--ledger-megabytes", settings.ledger_megabytes, "How large it may become there, from 1 to 1048576")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--ttl", settings.ttl,
                 "Seconds after which an actor on another host that was not heard of is gone, from 1 to 86400; over "
                 "etcd 5 at least")
      ->capture_default_str();
  app.add_option(
         "--drain", settings.drain_seconds,
         "After SIGTERM: say NOT_SERVING, take no new trees of actors, and go on answering for so many seconds, or "
         "until nobody is registered. Default: 0")
      ->check(CLI::Range(0.0, 3600.0));
  app.add_option("--metrics", settings.metrics,
                 "HOST:PORT (port 0: any) on which to serve /metrics to Prometheus; whoever reaches it is answered");
  app.add_option("--health", settings.health,
                 "Serve nothing; ask who serves at that address whether it does, and say so");
  CLI::Option* events = app.add_option(
      "--events", settings.events,
      "Serve nothing; print what the arbiter at that address knows of the lives of actors, an event a line");
  app.add_option("--actor", settings.question.query.actor, "Of the actor with that name or id")->needs(events);
  app.add_option("--tree", settings.question.query.tree_id, "Of the actors below the root with that id")->needs(events);
  app.add_option(
         "--kind", settings.kinds,
         "Only these: spawned, serving, cancelled, failed, restarted, ended, lost, call_failed; may be repeated")
      ->needs(events);
  app.add_option("--since", settings.since_seconds, "Only those of the last so many seconds")
      ->needs(events)
      ->check(CLI::PositiveNumber);
  app.add_option("--until", settings.until_seconds, "Only those from before so many seconds ago")
      ->needs(events)
      ->check(CLI::PositiveNumber);
  app.add_option("--limit", settings.question.query.limit, "The newest so many, up to 10000")
      ->needs(events)
      ->capture_default_str();
  app.add_option("--namespace", settings.question.actor_namespace,
                 "In which the actors are registered. Default: TRACTOR_NAMESPACE")
      ->needs(events);
  app.add_flag("--json", settings.question.json, "A JSON object a line")->needs(events);
  app.add_option("--log", settings.log_level, "trace, debug, info, warning, error or off")->envname("TRACTOR_LOG");
  app.add_option("--log-format", settings.log_format, "text or json")->envname("TRACTOR_LOG_FORMAT");
  app.footer(tractor::arbiter::kExitStatuses);
  try {
    app.parse(argc, argv);
    for (const std::string& kind : settings.kinds)
      settings.question.query.kinds.insert(tractor::parse_ledger_kind(kind));
    if (!settings.log_format.empty()) tractor::log::use_format(tractor::log::parse_format(settings.log_format));
    if (!settings.log_level.empty()) tractor::log::to_console(tractor::log::parse_level(settings.log_level));
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  } catch (const std::invalid_argument& e) {
    std::cerr << "tractor-arbiter: " << e.what() << '\n';
    return 2;
  }
  try {
    if (!settings.health.empty()) return tractor::arbiter::probe(settings.health);
    if (!settings.events.empty()) {
      tractor::arbiter::show_events(settings);
      if (std::cout.flush()) return 0;
      std::cerr << "tractor-arbiter: cannot write the events\n";
      return 1;
    }
    if (settings.listen.empty()) {
      const char* variable = std::getenv("TRACTOR_ARBITER");
      const std::string address = variable == nullptr ? "" : variable;
      if (address.find(',') != std::string::npos) {
        throw tractor::UsageError("TRACTOR_ARBITER names several arbiters, \"" + address +
                                  "\": --listen says which of these addresses this one serves");
      }
      settings.listen = {address.empty() ? tractor::arbiter::default_address() : address};
    }
    tractor::arbiter::serve(settings);
    return 0;
  } catch (const tractor::UsageError& e) {
    std::cerr << "tractor-arbiter: " << e.what() << '\n';
    return 2;
  } catch (const tractor::arbiter::StoreUnreachable& e) {
    std::cerr << "tractor-arbiter: " << e.what() << '\n';
    return 3;
  } catch (const std::exception& e) {
    std::cerr << "tractor-arbiter: " << e.what() << '\n';
    return 1;
  }
}
