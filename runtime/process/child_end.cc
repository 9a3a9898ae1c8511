// How a child ends: what is left of it, and what it died of.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "runtime/log.h"
#include "runtime/process/child.h"
#include "runtime/process/supervision.h"
#include "runtime/wire/duration_text.h"
#include "runtime/wire/error_info.h"

namespace tractor {
namespace {

// What a child says before it serves, for the error when it never does.
constexpr std::size_t kEarlyOutputTail = 4096;
// How long what was killed may take to be gone before it is looked for again.
constexpr Clock::duration kKillPause = std::chrono::milliseconds(1);
// How long a call to a dead child waits to be told so.
constexpr Clock::duration kPostMortemTimeout = std::chrono::seconds(1);

// Ends what a dead actor has started besides actors, and left in its process group.
void clear_group_of(pid_t leader) {
  while (!clear_group(leader)) sleep(kKillPause);
}

}  // namespace

// Its process has ended, and has said all: removes everything of it.
void Child::collect() {
  supervision_.forget(*this);
  if (ready_) {
    for (const std::string& address : ready_->addresses) {
      if (address.starts_with("unix:")) unlink(address.c_str() + 5);  // it may have had no time to
    }
  }
  below_it_ = std::exchange(registered_, {});
  for (const auto& [id, name] : below_it_) supervision_.registrar().remove(id);
  below_it_.erase(actor_.id);
  if (exit_->known) {
    clear_group_of(pid_);  // while the zombie keeps the group's number taken
    process_->reap();
  }
  supervision_.launched().erase(pid_);
  supervision_.helper().remove_group(pid_);
  supervision_.registrar().reaped(pid_);
  log::debug(absl::StrCat("actor ", to_string(actor_), " (process ", pid_, ") ", to_string(*exit_)));
  record(LedgerEvent::Kind::ended, {.message = to_string(*exit_)});
  step(ChildLife::Event::collected);
}

// Waits for the processes that were below it: they are our children now. Those it had no time to tell us of are found
// by /proc.
void Child::collect_orphans() {
  std::set<pid_t> watched;
  std::size_t waited_for = 0;
  while (true) {
    for (pid_t pid : children_of_this_process()) {
      if (!supervision_.launched().contains(pid) && is_actor_process(pid)) on_spawned_below(pid);
    }
    if (pids_below_.empty()) break;
    for (pid_t pid : std::set<pid_t>(pids_below_)) {
      const Orphan orphan = look_at_orphan(pid);
      if (orphan == Orphan::running) continue;
      if (orphan == Orphan::ended) {
        clear_group_of(pid);
        reap_orphan(pid);
      }
      on_reaped_below(pid);
    }
    if (pids_below_.size() == waited_for) all_watched_ = false;  // who traces one learns first of its end
    if (pids_below_.empty()) continue;  // look again: the last that ended has left its own to us
    step(ChildLife::Event::some_below);
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
    waited_for = pids_below_.size();
    if (move_on_at(deadline_, [this] { wait_for_orphan(); }).cancelled_caught()) step(ChildLife::Event::time_up);
  }
  for (const auto& [id, name] : std::exchange(below_it_, {})) {
    supervision_.record({.kind = LedgerEvent::Kind::ended,
                         .actor = {.name = name, .id = id},
                         .message = absl::StrCat("after ", to_string(actor_), ", above it, had died")});
  }
  step(ChildLife::Event::none_below);
}

// One object, however often it is asked for: a nursery that gets it from the child and from calls to it has it once.
std::exception_ptr Child::death() {
  if (death_ == nullptr) death_ = exception_for(died());
  return death_;
}

ErrorInfo Child::died() const {
  ErrorInfo error = actor_died(absl::StrCat("actor \"", actor_.name, "\" (process ", pid_, ") ", to_string(*exit_),
                                            ready_ ? "" : " before it served", last_words()),
                               actor_);
  error.attributes["pid"] = absl::StrCat(pid_);
  if (!exit_->known) return error;
  if (exit_->signal != 0) {
    error.attributes[kSignal] = absl::StrCat(exit_->signal);
  } else {
    error.attributes[kExitStatus] = absl::StrCat(exit_->code);
  }
  return error;
}

ErrorInfo Child::start_timeout() const {
  ErrorInfo error = own_error(ErrorKind::unavailable,
                              absl::StrCat("actor \"", actor_.name, "\" (process ", pid_, ") did not serve within ",
                                           duration_text(kStartTimeout), last_words()),
                              actor_);
  error.type = "tractor::StartTimeout";
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
std::exception_ptr Child::post_mortem(ErrorInfo failure) {
  CancelScope({.deadline = deadline_after(kPostMortemTimeout), .shield = true}).run([this] {
    changed_.wait_until("the end of a child that does not answer", [this] { return exit_.has_value(); });
  });
  if (!exit_) return nullptr;
  if (!life_.asked() && !released_) return death();
  failure.message = absl::StrCat("actor \"", actor_.name, "\" has ended: ", why_released());
  return exception_for(std::move(failure));
}

}  // namespace tractor
