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
#include "runtime/wire/error_info.h"
#include "runtime/wire/identity.h"

namespace tractor {
namespace {

// How often to look for the end of a process that cannot be watched.
constexpr std::chrono::milliseconds kPollInterval{10};
// How long the last messages of a dead child may take to be read.
constexpr Clock::duration kDrainTimeout = std::chrono::seconds(1);
// A process whose parent died, or that thinks so, ends itself within 2 s (kParentDeathGrace); then it is ended by
// force.
constexpr Clock::duration kOrphanGrace = std::chrono::milliseconds(2500);

const char* awaited_in(ChildLife::Phase phase) {
  switch (phase) {
    case ChildLife::Phase::starting:
      return "a child actor to serve";
    case ChildLife::Phase::serving:
      return "the end of a child actor";
    case ChildLife::Phase::draining:
      return "a dead child's last messages";
    default:
      return "a child actor to end";
  }
}

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
    if (!released_) {
      launch_process();
      follow(ChildLife::Phase::dead);
    }
  } catch (const Cancelled& caught) {
    caught.absorb();
    cancelled = std::current_exception();
  } catch (...) {
    start_failure_ = std::current_exception();
  }
  CancelScope({.shield = true}).run([this] {
    if (process_ == nullptr) return;  // it was never launched
    ask_to_end();
    follow(ChildLife::Phase::dead);
    collect();
    collect_orphans();
  });
  adoption_.reset();
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
  nursery_deadline_ = current_effective_deadline();
  supervision_.check_size(*this);
  SocketPair sockets = make_socket_pair();
  Pipe pipe = make_pipe();
  const std::string token = send_child_token(sockets.ours.get());
  adoption_.emplace();
  process_ =
      launch(supervision_.options().argv, {.supervision = sockets.theirs.get(), .early_stderr = pipe.write_end.get()});
  pid_ = process_->pid();
  early_output_ = std::make_shared<EarlyOutput>(std::move(pipe.read_end));
  supervision_.helper().collect(early_output_);
  supervision_.launched().emplace(pid_, this);
  supervision_.helper().add_group(pid_);
  supervision_.registrar().spawned(pid_);
  record(LedgerEvent::Kind::spawned, {.by = supervision_.wire().self});
  watch(process_->pidfd(), &Child::on_exit);
  if (!all_watched_) throw std::system_error(EMFILE, std::generic_category(), "cannot watch a child process");
  supervision_.expect(token, shared_from_this());
  supervision_.server().add_connection(sockets.ours.release());
  deadline_ = deadline_after(time_for(life_.phase()));
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
  if (!exit_) look_for_exit();
  if (exit_) return;
  // Who traces a process learns first of its end.
  supervision_.helper().after(kPollInterval, [self = shared_from_this(), &scheduler = supervision_.scheduler()] {
    scheduler.post([self] { self->on_exit(); });
  });
}

void Child::look_for_exit() {
  exit_ = process_->ended();
  if (!exit_) return;
  const bool well = exit_->code == 0 && exit_->signal == 0;
  step(well ? ChildLife::Event::exited_well : ChildLife::Event::exited_badly);
}

void Child::on_orphan_exit() {
  orphan_ended_ = true;
  changed_.notify();
}

void Child::wait_for_orphan() {
  if (!all_watched_) return sleep(kPollInterval);
  changed_.wait_until("the processes below a dead child to end",
                      [this] { return std::exchange(orphan_ended_, false); });
}

void Child::follow(ChildLife::Phase until) {
  while (life_.phase() < until) {
    const ChildLife::Phase phase = life_.phase();
    move_on_at(deadline_, [this, phase] {
      while (!all_watched_ && !exit_ && life_.phase() == phase) {
        sleep(kPollInterval);
        if (!exit_) look_for_exit();
      }
      changed_.wait_until(awaited_in(phase), [this, phase] { return life_.phase() != phase; });
    });
    if (life_.phase() == phase) step(ChildLife::Event::time_up);
  }
}

void Child::step(ChildLife::Event event, std::exception_ptr reported) {
  const ChildLife before = life_;
  const ChildLife::Actions todo = life_.step(event);
  if (life_.phase() != before.phase()) {
    const Clock::duration time = time_for(life_.phase());
    deadline_ = deadline_after(time);
    if (todo.send_cancel) stream_->send_cancel(time, why_released());
    if (todo.kill && before.phase() == ChildLife::Phase::ending) {
      log::warning(absl::StrCat("actor ", to_string(actor_), " (process ", pid_, ") did not end in time: killed"));
    }
  }
  if (todo.kill) process_->kill_group();
  if (todo.kill || todo.kill_below) kill_below();
  if (todo.abandon) stream_->abandon();
  changed_.notify();
  if (life_.failure() == before.failure()) return;
  const bool starting =
      before.phase() == ChildLife::Phase::starting || (life_.failure() == ChildLife::Failure::never_served && !ready_);
  take_failure(starting, std::move(reported));
}

// How long that phase may last.
Clock::duration Child::time_for(ChildLife::Phase phase) const {
  switch (phase) {
    case ChildLife::Phase::starting:
      return kStartTimeout;
    case ChildLife::Phase::ending:
      return supervision_.budget_for(spec_);
    case ChildLife::Phase::draining:
      return kDrainTimeout;
    case ChildLife::Phase::lost:
    case ChildLife::Phase::below:
      return kOrphanGrace;
    default:
      return Clock::duration::max();
  }
}

void Child::record(LedgerEvent::Kind kind, LedgerEvent event) {
  event.kind = kind;
  event.actor = actor_;
  event.pid = pid_;
  supervision_.record(std::move(event));
}

void Child::ask_to_end() {
  if (life_.alive() && !life_.asked()) {
    record(LedgerEvent::Kind::cancelled,
           {.by = released_by_ == ActorRef{} ? supervision_.wire().self : released_by_, .message = why_released()});
  }
  step(spec_.budget <= Clock::duration::zero() ? ChildLife::Event::condemned : ChildLife::Event::cancelled);
}

void Child::kill_below() {
  for (pid_t pid : pids_below_) kill(-pid, SIGKILL);
}

// A failure of its start is for those who wait for that, and not yet its nursery's.
void Child::take_failure(bool starting, std::exception_ptr reported) {
  switch (life_.failure()) {
    case ChildLife::Failure::none:
      return;
    case ChildLife::Failure::reported:
      break;
    case ChildLife::Failure::start_timeout:
      reported = exception_for(start_timeout());
      break;
    case ChildLife::Failure::never_served:
    case ChildLife::Failure::died:
      reported = death();
      break;
  }
  if (start_failure_ != nullptr || failure_ != nullptr) return;
  const ErrorInfo error = error_head(reported);
  record(LedgerEvent::Kind::failed, {.error_type = error.type, .message = error.message});
  (starting ? start_failure_ : failure_) = std::move(reported);
  changed_.notify();
  if (!starting) on_change_(*this);
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
  throw RemoteCancelled(cancelled_by(
      released_by_,
      absl::StrCat("actor \"", actor_.name, "\" was cancelled before its function returned: ", why_released()),
      actor_));
}

std::string Child::why_released() const { return released_.value_or("its nursery was cancelled"); }

void Child::release(const std::string& reason, const ActorRef& requested_by) {
  if (released_) return;
  released_ = reason;
  released_by_ = requested_by;
  if (process_ != nullptr) ask_to_end();
  changed_.notify();
}

void Child::wait_ended() {
  changed_.wait_until("a child actor to end", [this] { return ended_; });
}

void Child::settle(std::exception_ptr error) {
  if (settled()) return;
  if (error == nullptr) return on_outcome({});
  if (!life_.asked() && !released_) step(ChildLife::Event::failed, std::move(error));
}

// --- the supervision stream's side ---

void Child::on_stream(ChildStream& stream) {
  stream_ = &stream;
  step(ChildLife::Event::connected);
}

void Child::on_stream_end() {
  stream_ = nullptr;
  step(ChildLife::Event::hung_up);
}

void Child::on_ready(ActorInfo info) {
  peer_ = std::make_shared<Peer>(supervision_.wire(), actor_, info.addresses);
  peer_->set_owner(owner_of_peers());
  ready_ = std::move(info);
  record(LedgerEvent::Kind::serving);
  // From now on its stderr is ours; what it said before is passed on.
  const std::string early = early_output_->text();
  if (!early.empty()) static_cast<void>(!write(STDERR_FILENO, early.data(), early.size()));
  step(ChildLife::Event::ready);
}

Peer::Owner Child::owner_of_peers() {
  const std::weak_ptr<Child> weak = weak_from_this();
  return {.post_mortem =
              [weak](ErrorInfo failure) {
                const auto self = weak.lock();
                return self == nullptr ? nullptr : self->post_mortem(std::move(failure));
              },
          .is_ending =
              [weak] {
                const auto self = weak.lock();
                return self == nullptr || self->life_.asked() || self->released_;
              }};
}

void Child::on_outcome(Value value) {
  outcome_ = std::move(value);
  changed_.notify();
  on_change_(*this);
}

void Child::on_failure(ErrorInfo error) { step(ChildLife::Event::failed, exception_for(std::move(error))); }

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

}  // namespace tractor
