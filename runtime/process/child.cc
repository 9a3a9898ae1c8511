#include "runtime/process/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "runtime/log.h"
#include "runtime/process/child_token.h"
#include "runtime/process/supervision.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/identity.h"

namespace tractor {
namespace {

// What a child says before it serves, for the error when it never does.
constexpr std::size_t kEarlyOutputTail = 4096;
// How often to look for the end of a process that cannot be watched.
constexpr Clock::duration kPollInterval = std::chrono::milliseconds(10);
// How long the last messages of a dead child may take to be read.
constexpr Clock::duration kDrainTimeout = std::chrono::seconds(1);
// A process whose parent died ends itself within 2 s (kParentDeathGrace); then it is ended by force.
constexpr Clock::duration kOrphanGrace = std::chrono::milliseconds(2500);

struct SocketPair {
  UniqueDescriptor ours;
  UniqueDescriptor theirs;
};

SocketPair make_socket_pair() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make a socket pair for a child process");
  }
  return {UniqueDescriptor(ends[0]), UniqueDescriptor(ends[1])};
}

struct Pipe {
  UniqueDescriptor read_end;
  UniqueDescriptor write_end;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make a pipe for a child process");
  }
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return {UniqueDescriptor(ends[0]), UniqueDescriptor(ends[1])};
}

}  // namespace

Child::Child(Supervision& supervision, ChildSpec spec, std::function<void(Child&)> on_change)
    : supervision_(supervision),
      spec_(std::move(spec)),
      on_change_(std::move(on_change)),
      actor_{.name = spec_.name, .id = random_id()} {}

// --- the nursery's side ---

void Child::run() {
  std::exception_ptr cancelled;
  try {
    throw_if_cancelled();
    launch_process();
    wait_until_ready();
    if (start_failure_ == nullptr) {
      changed_.wait_until("the end of a child actor", [this] { return exit_ || released_ || failure_ != nullptr; });
    }
  } catch (const Cancelled& caught) {
    caught.absorb();
    cancelled = std::current_exception();
  } catch (...) {
    start_failure_ = std::current_exception();
  }
  CancelScope({.shield = true}).run([this] { end(); });
  process_.reset();  // nursery and portals may keep this object for long, but no descriptors
  if (early_output_ != nullptr) early_output_->close();
  ended_ = true;
  changed_.notify();
  std::exchange(on_change_, [](Child&) {})(*this);  // the nursery may be gone from now on
  CancelScope({.shield = true}).run([this] {
    changed_.wait_until("whoever waits for the start", [this] { return !starter_waits_; });
  });
  if (start_failure_ != nullptr && start_failure_taken_) return;
  if (start_failure_ != nullptr) std::rethrow_exception(start_failure_);
  if (failure_ != nullptr) std::rethrow_exception(failure_);
  if (cancelled != nullptr) std::rethrow_exception(cancelled);
}

void Child::launch_process() {
  supervision_.check_size(*this);
  SocketPair sockets = make_socket_pair();
  Pipe pipe = make_pipe();
  const std::string token = send_child_token(sockets.ours.get());
  process_ =
      launch(supervision_.options().argv, {.supervision = sockets.theirs.get(), .early_stderr = pipe.write_end.get()});
  pid_ = process_->pid();
  early_output_ = std::make_shared<EarlyOutput>(std::move(pipe.read_end));
  supervision_.helper().collect(early_output_);
  supervision_.launched().emplace(pid_, this);
  supervision_.helper().add_group(pid_);
  supervision_.registrar().spawned(pid_);
  watch(process_->pidfd(), &Child::on_exit);
  if (!all_watched_) throw std::system_error(EMFILE, std::generic_category(), "cannot watch a child process");
  supervision_.expect(token, shared_from_this());
  supervision_.server().add_connection(sockets.ours.release());
  log::debug(absl::StrCat("started actor ", to_string(actor_), " as process ", pid_));
}

// The helper thread notices the end; without a descriptor for that, waits look for themselves.
void Child::watch(int pidfd, void (Child::*on_exit)()) {
  const bool watched = supervision_.helper().watch_exit(
      pidfd, [self = shared_from_this(), on_exit, &scheduler = supervision_.scheduler()] {
        scheduler.post([self, on_exit] { (*self.*on_exit)(); });
      });
  all_watched_ = all_watched_ && watched;
}

void Child::on_exit() {
  if (!exit_) exit_ = process_->ended();
  changed_.notify();
}

void Child::on_orphan_exit() {
  orphan_ended_ = true;
  changed_.notify();
}

void Child::wait_for_exit() {
  while (!all_watched_ && !exit_) {
    exit_ = process_->ended();
    if (!exit_) sleep(kPollInterval);
  }
  changed_.wait_until("a child actor to end", [this] { return exit_.has_value(); });
}

void Child::wait_for_orphan() {
  if (!all_watched_) return sleep(kPollInterval);
  changed_.wait_until("the processes below a dead child to end",
                      [this] { return std::exchange(orphan_ended_, false); });
}

void Child::wait_until_ready() {
  const CancelScope scope = move_on_after(kStartTimeout, [this] {
    changed_.wait_until("a child actor to serve", [this] { return ready_ || exit_ || released_; });
  });
  if (ready_ || released_) return;
  if (exit_) {
    start_failure_ = death();
  } else if (scope.cancelled_caught()) {
    start_failure_ = std::make_exception_ptr(RemoteActorError(
        {.error_id = random_id(),
         .type = "tractor::StartTimeout",
         .message = absl::StrCat("actor \"", actor_.name, "\" (process ", pid_, ") did not serve within ",
                                 absl::FormatDuration(absl::FromChrono(kStartTimeout)), last_words()),
         .kind = ErrorKind::unavailable,
         .origin = actor_}));
  }
}

void Child::wait_started() {
  starter_waits_ = true;
  const absl::Cleanup waits_no_more = [this] {
    starter_waits_ = false;
    changed_.notify();
  };
  changed_.wait_until("a child actor to serve", [this] { return ready_ || ended_; });
  if (start_failure_ != nullptr) {
    start_failure_taken_ = true;
    std::rethrow_exception(start_failure_);
  }
  if (!ready_) {
    throw CallError(ErrorKind::cancelled, absl::StrCat("actor \"", actor_.name, "\" was cancelled before it served"));
  }
}

void Child::end() {
  if (process_ == nullptr) return;  // it was never launched
  if (!exit_) {
    asked_to_end_ = true;
    const Clock::duration budget = supervision_.budget_for(spec_);
    const bool at_once = spec_.budget <= Clock::duration::zero();
    if (stream_ != nullptr && !at_once) stream_->send_cancel(budget, released_.value_or("its nursery was cancelled"));
    const bool ever_spoke = !at_once && (stream_ != nullptr || stream_ended_);
    if (ever_spoke) {
      move_on_after(budget, [this] { wait_for_exit(); });
    }
    if (!exit_) {
      if (ever_spoke) {
        log::warning(absl::StrCat("actor ", to_string(actor_), " (process ", pid_, ") did not end within ",
                                  absl::FormatDuration(absl::FromChrono(budget)), ": killed"));
      }
      killed_by_us_ = true;
      process_->signal_group(SIGKILL);
      for (pid_t pid : pids_below_) kill(-pid, SIGKILL);
      wait_for_exit();
    }
  }
  collect();
}

// The process has ended: takes its last messages, removes everything of it.
void Child::collect() {
  supervision_.forget(*this);
  if (stream_ != nullptr) {
    move_on_after(kDrainTimeout,
                  [this] { changed_.wait_until("a dead child's last messages", [this] { return stream_ended_; }); });
    if (stream_ != nullptr) stream_->abandon();
  }
  const bool as_asked = killed_by_us_ || ((asked_to_end_ || released_) && exit_->code == 0 && exit_->signal == 0);
  if (!as_asked && start_failure_ == nullptr) fail(death());
  if (ready_) {
    for (const std::string& address : ready_->addresses) {
      if (address.starts_with("unix:")) unlink(address.c_str() + 5);  // it may have had no time to
    }
  }
  for (const std::string& id : std::exchange(registered_, {})) supervision_.registrar().remove(id);
  if (exit_->known) {
    clear_group_of(pid_);  // while the zombie keeps the group's number taken
    process_->reap();
  }
  supervision_.launched().erase(pid_);
  supervision_.helper().remove_group(pid_);
  supervision_.registrar().reaped(pid_);
  collect_orphans();
  log::debug(absl::StrCat("actor ", to_string(actor_), " (process ", pid_, ") ", to_string(*exit_)));
}

// Ends what a dead actor has started besides actors, and left in its process group.
void Child::clear_group_of(pid_t leader) {
  while (!clear_group(leader)) sleep(kPollInterval / 10);
}

// Waits for the processes that were below it: they are our children now. Those it had no time to tell us of are found
// by /proc.
void Child::collect_orphans() {
  const Clock::time_point kill_at = killed_by_us_ ? Clock::now() : deadline_after(kOrphanGrace);
  std::set<pid_t> watched;
  while (true) {
    for (pid_t pid : children_of_this_process()) {
      if (!supervision_.launched().contains(pid) && is_actor_process(pid)) on_spawned_below(pid);
    }
    if (pids_below_.empty()) return;
    for (pid_t pid : std::set<pid_t>(pids_below_)) {
      const Orphan orphan = look_at_orphan(pid);
      if (orphan == Orphan::running) continue;
      if (orphan == Orphan::ended) {
        clear_group_of(pid);
        reap_orphan(pid);
      }
      on_reaped_below(pid);
    }
    if (pids_below_.empty()) continue;  // look again: the last that ended has left its own to us
    for (pid_t pid : pids_below_) {
      if (watched.contains(pid)) continue;
      const UniqueDescriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
      if (!pidfd) {
        all_watched_ = false;
        continue;
      }
      watched.insert(pid);
      watch(pidfd.get(), &Child::on_orphan_exit);
    }
    if (move_on_at(kill_at, [this] { wait_for_orphan(); }).cancelled_caught()) {
      for (pid_t pid : pids_below_) kill(-pid, SIGKILL);
      wait_for_orphan();
    }
  }
}

// --- the portals' side ---

Value Child::wait_result() {
  if (!one_shot()) {
    throw UsageError(
        absl::StrCat("actor \"", actor_.name,
                     "\" was started with start_actor: it has no result of its own; call run() on its portal"));
  }
  changed_.wait_until("the result of a one-shot actor", [this] { return settled(); });
  if (outcome_) return *outcome_;
  if (failure_ != nullptr) std::rethrow_exception(failure_);
  ErrorInfo error{.error_id = random_id(),
                  .type = "tractor::RemoteCancelled",
                  .message = absl::StrCat("actor \"", actor_.name, "\" was cancelled before its function returned: ",
                                          released_.value_or("its nursery was cancelled")),
                  .kind = ErrorKind::cancelled,
                  .origin = actor_};
  if (released_by_ != ActorRef{}) error.attributes["cancelled_by"] = to_string(released_by_);
  throw RemoteCancelled(std::move(error));
}

void Child::release(const std::string& reason, const ActorRef& requested_by) {
  if (released_) return;
  released_ = reason;
  released_by_ = requested_by;
  changed_.notify();
}

void Child::wait_ended() {
  changed_.wait_until("a child actor to end", [this] { return ended_; });
}

void Child::settle(std::exception_ptr error) {
  if (settled()) return;
  if (error == nullptr) return on_outcome({});
  if (!asked_to_end_ && !released_) fail(std::move(error));
}

// --- the supervision stream's side ---

void Child::on_stream(ChildStream& stream) { stream_ = &stream; }

void Child::on_stream_end() {
  stream_ = nullptr;
  stream_ended_ = true;
  changed_.notify();
}

void Child::on_ready(ActorInfo info) {
  peer_ = std::make_shared<Peer>(supervision_.wire(), actor_, info.addresses);
  const std::weak_ptr<Child> weak = weak_from_this();
  peer_->set_owner({.post_mortem =
                        [weak] {
                          const auto self = weak.lock();
                          return self == nullptr ? nullptr : self->post_mortem();
                        },
                    .is_ending =
                        [weak] {
                          const auto self = weak.lock();
                          return self == nullptr || self->asked_to_end_ || self->released_;
                        }});
  ready_ = std::move(info);
  // From now on its stderr is ours; what it said before is passed on.
  const std::string early = early_output_->text();
  if (!early.empty()) static_cast<void>(!write(STDERR_FILENO, early.data(), early.size()));
  changed_.notify();
}

void Child::on_outcome(Value value) {
  outcome_ = std::move(value);
  changed_.notify();
  on_change_(*this);
}

void Child::on_failure(ErrorInfo error) { fail(exception_for(std::move(error))); }

void Child::fail(std::exception_ptr error) {
  if (failure_ != nullptr) return;
  failure_ = std::move(error);
  changed_.notify();
  on_change_(*this);
}

void Child::on_ending(const ActorRef& requested_by) {
  release(absl::StrCat("cancelled by ", to_string(requested_by)), requested_by);
}

void Child::on_spawned_below(pid_t pid) {
  if (pid <= 1 || !pids_below_.insert(pid).second) return;  // kill(-1) would be everyone
  supervision_.helper().add_group(pid);
  supervision_.registrar().spawned(pid);
}

void Child::on_reaped_below(pid_t pid) {
  if (pids_below_.erase(pid) == 0) return;
  supervision_.helper().remove_group(pid);
  supervision_.registrar().reaped(pid);
}

// --- what it died of ---

// One object, however often it is asked for: a nursery that gets it from the child and from calls to it has it once.
std::exception_ptr Child::death() {
  if (death_ == nullptr) death_ = exception_for(died());
  return death_;
}

ErrorInfo Child::died() const {
  ErrorInfo error{.error_id = random_id(),
                  .type = "tractor::ActorDied",
                  .message = absl::StrCat("actor \"", actor_.name, "\" (process ", pid_, ") ", to_string(*exit_),
                                          ready_ ? "" : " before it served", last_words()),
                  .kind = ErrorKind::unavailable,
                  .origin = actor_,
                  .attributes = {{"pid", absl::StrCat(pid_)}}};
  if (!exit_->known) return error;
  if (exit_->signal != 0) {
    error.attributes["signal"] = absl::StrCat(exit_->signal);
  } else {
    error.attributes["exit_status"] = absl::StrCat(exit_->code);
  }
  return error;
}

std::string Child::last_words() const {
  std::string text = early_output_->text();
  while (text.ends_with('\n')) text.pop_back();
  if (text.empty()) return "";
  if (text.size() > kEarlyOutputTail) text = "..." + text.substr(text.size() - kEarlyOutputTail);
  return "; its stderr ends with:\n" + text;
}

// A call to it failed: what became of it, once that is known.
std::exception_ptr Child::post_mortem() {
  CancelScope({.deadline = deadline_after(kDrainTimeout), .shield = true}).run([this] {
    changed_.wait_until("the end of a child that does not answer", [this] { return exit_.has_value(); });
  });
  if (!exit_ || asked_to_end_ || released_) return nullptr;
  return death();
}

}  // namespace tractor
