#include "runtime/actor/actor.h"

#include <algorithm>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/log.h"
#include "runtime/metrics/metrics.h"
#include "runtime/process/supervision.h"
#include "runtime/task/scheduler.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/error_info.h"

namespace tractor {

namespace {

// Runs a call and counts it; `function` is the one that it found, while it runs.
template <class F>
Value counted(bool has_items, const Function* const& function, F&& run) {
  if (!metrics::enabled()) return run();
  const metrics::Held stream(metrics::Gauge::streams, has_items);
  const Clock::time_point begin = Clock::now();
  const auto ended = [&](std::string_view code) {
    metrics::call_ended(function == nullptr ? "" : function->qualified_name, std::string(code), Clock::now() - begin);
  };
  try {
    Value value = run();
    ended("OK");
    return value;
  } catch (const Cancelled&) {
    ended("CANCELLED");
    throw;
  } catch (...) {
    ended(code_name(error_head(std::current_exception()).kind));
    throw;
  }
}

}  // namespace

void check_actor_name(const std::string& name) {
  if (name.empty()) throw UsageError("an actor needs a name");
  check_short_text("an actor's name", name);
}

void check_short_text(const std::string& what, const std::string& text) {
  constexpr std::size_t kMaxBytes = 255;  // a name is part of every error, which must fit into metadata
  if (text.size() > kMaxBytes) {
    throw UsageError(
        absl::StrCat(what, " has at most ", kMaxBytes, " bytes; ", Value(text).describe(), " has ", text.size()));
  }
  if (!is_utf8(text)) throw UsageError(absl::StrCat(what, " is valid UTF-8, not ", Value(text).describe()));
  if (std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    throw UsageError(absl::StrCat(what, " has no control characters, unlike \"", absl::CHexEscape(text), "\""));
}

void check_labels(const std::map<std::string, std::string>& labels) {
  constexpr std::size_t kMaxBytes = 4096;  // whoever finds an actor is sent them
  std::size_t bytes = 0;
  for (const auto& [key, value] : labels) {
    check_short_text("a label", key);
    check_short_text(absl::StrCat("the label \"", key, "\""), value);
    if (key != "metrics") bytes += key.size() + value.size();  // that is ours
  }
  if (bytes > kMaxBytes)
    throw UsageError(absl::StrCat("an actor's labels have at most ", kMaxBytes, " bytes in all, not ", bytes));
}

void Actor::set_info(ActorInfo info) {
  info_ = std::move(info);
  self_ = {.name = info_.name, .id = info_.id};
}

void Actor::add_address(std::string address) { info_.addresses.push_back(std::move(address)); }

void Actor::enable(const std::string& module) {
  functions_.check_module_name(module);
  if (enabled_.insert(module).second) info_.modules.push_back(module);
}

void Actor::set_scope(CancelScope* scope) {
  scope_ = scope;
  if (scope_ != nullptr && cancelled()) scope_->cancel();
}

void Actor::cancel(Clock::duration budget, const ActorRef& requested_by, const std::string& reason) {
  if (!cancelled()) {
    log::info(absl::StrCat("cancelled", requested_by == ActorRef{} ? "" : " by " + to_string(requested_by),
                           reason.empty() ? "" : ": " + reason));
    if (on_cancel_) on_cancel_(requested_by, reason);
  }
  const Clock::time_point longest = Clock::kNever - Clock::duration(1);  // kNever: not cancelled
  cancel_deadline_ = std::min({cancel_deadline_, deadline_after(budget), longest});
  if (scope_ != nullptr) scope_->cancel();
}

std::optional<Clock::duration> Actor::time_left() const {
  if (!cancelled()) return std::nullopt;
  return std::max(cancel_deadline_ - Clock::now(), Clock::duration::zero());
}

void Actor::run_exit_callbacks(Clock::duration budget) {
  const Clock::time_point deadline = deadline_after(budget);
  while (!exit_callbacks_.empty()) {
    const std::function<void()> callback = std::move(exit_callbacks_.back());
    exit_callbacks_.pop_back();
    CancelScope scope({.deadline = deadline, .shield = true});
    try {
      scope.run([&] { open_task_nursery([&](TaskNursery&) { callback(); }); });  // which gets what destructors report
    } catch (const Cancelled&) {
      throw;
    } catch (...) {
      log::error("an at_exit callback failed: " + tractor::describe(std::current_exception()));
    }
    if (scope.cancelled_caught()) log::warning("an at_exit callback was cut short: the time to end was over");
  }
}

const Function& Actor::function_for(const std::string& name) const {
  const Function* function = functions_.find(name);
  if (function != nullptr && enabled_.contains(function->module)) return *function;

  const std::string module = name.substr(0, name.find('.'));
  if (enabled_.contains(module))
    throw CallError(ErrorKind::not_found, absl::StrCat("no function \"", name, "\" in actor \"", self_.name, "\""));
  if (name.find('.') == std::string::npos) {
    throw CallError(ErrorKind::not_found, absl::StrCat("no function \"", name, "\" in actor \"", self_.name,
                                                       "\": a function is named \"module.function\""));
  }
  if (functions_.has_module(module)) {
    throw CallError(ErrorKind::permission_denied,
                    absl::StrCat("no module \"", module, "\" is enabled in actor \"", self_.name, "\" (enabled: ",
                                 enabled_.empty() ? "none" : "\"" + absl::StrJoin(enabled_, "\", \"") + "\"",
                                 "); start it with {.modules = {\"", module, "\"}}"));
  }
  throw CallError(ErrorKind::not_found, absl::StrCat("no module \"", module, "\" in the program of actor \"",
                                                     self_.name, "\" (it has ", functions_.module_names(), ")"));
}

Value Actor::invoke(Invocation request, ServedCall& call) {
  const Function* found = nullptr;
  return counted(request.stream != nullptr, found, [&] {
    if (cancelled()) throw RemoteActorError(shutting_down(self_, Executed::no));
    try {
      found = &function_for(request.function);
      return carry_out(*found, request, call);
    } catch (const Cancelled&) {
      throw;
    } catch (const RemoteCancelled&) {
      throw;
    } catch (const RemoteActorError& error) {
      call_failed(found, request.caller);
      if (error.executed() != Executed::no) throw;
      ErrorInfo info = error.info();  // that was a call of the function's; this one was executed
      info.executed = Executed::maybe;
      std::rethrow_exception(exception_for(std::move(info)));
    } catch (...) {
      call_failed(found, request.caller);
      throw;
    }
  });
}

void Actor::call_failed(const Function* function, const ActorRef& caller) {
  if (!on_failed_call_) return;
  const std::string name = function == nullptr ? "" : function->qualified_name;
  const std::uint32_t count = failed_calls_.add(name, Clock::now());
  if (count == 0) return;
  const ErrorInfo error = error_head(std::current_exception());
  on_failed_call_({.kind = LedgerEvent::Kind::call_failed,
                   .actor = self_,
                   .by = caller,
                   .function = name,
                   .error_type = error.type,
                   .message = error.message,
                   .pid = info_.pid,
                   .count = count});
}

Value Actor::carry_out(const Function& function, Invocation& request, ServedCall& call) {
  name_current_task(function.qualified_name);

  call.scope.set_deadline(request.deadline);
  struct Entry {
    Entry(std::map<std::string, ServedCall*>& c, std::string i, ServedCall& call) : calls(c), id(std::move(i)) {
      if (!id.empty() && !calls.emplace(id, &call).second) {
        throw CallError(ErrorKind::invalid_argument,
                        absl::StrCat("a call with the id \"", id, "\" is in flight already"));
      }
    }
    ~Entry() {
      if (!id.empty()) calls.erase(id);
    }
    std::map<std::string, ServedCall*>& calls;
    std::string id;
  };
  const Entry entry(calls_, request.call_id, call);
  ++calls_in_flight_;
  const absl::Cleanup ended = [this] { --calls_in_flight_; };

  CallEnvironment environment{.stream = request.stream,
                              .call_id = std::move(request.call_id),
                              .caller = request.stream == nullptr ? ActorRef{} : request.caller,
                              .served = &call};
  // In a nursery of its own: what is found in a destructor fails this call, and nothing else.
  std::optional<Value> value = call.scope.run([&] {
    return open_task_nursery(
        [&](TaskNursery&) { return function.run(std::move(request.arguments), std::move(environment)); });
  });
  if (value) return std::move(*value);
  if (!call.cancel_requested) {
    throw CallError(ErrorKind::deadline_exceeded, absl::StrCat(request.function, ": the caller's deadline passed"));
  }
  throw RemoteCancelled(cancelled_by(call.cancelled_by,
                                     absl::StrCat(request.function, " was cancelled by ", to_string(call.cancelled_by),
                                                  call.reason.empty() ? "" : ": ", call.reason),
                                     self_));
}

ActorDescription Actor::describe() const {
  ActorDescription description{.actor = self_, .modules = functions_.describe()};
  for (ModuleDescription& module : description.modules) module.enabled = enabled_.contains(module.name);
  return description;
}

bool Actor::cancel_call(const std::string& call_id, const ActorRef& requested_by, const std::string& reason) {
  const auto found = calls_.find(call_id);
  if (found == calls_.end()) return false;
  found->second->cancel(requested_by, reason);
  return true;
}

void Actor::cancel_actor(Clock::duration budget, const ActorRef& requested_by, const std::string& reason) {
  if (on_cancel_request_) on_cancel_request_(requested_by);
  cancel(budget, requested_by, reason);
}

void report_load(const Actor& actor, Registrar& registrar) {
  constexpr Clock::duration kInterval = std::chrono::seconds(1);
  std::uint32_t reported = 0;
  while (true) {
    sleep(kInterval);
    if (actor.calls_in_flight() == reported) continue;
    reported = actor.calls_in_flight();
    registrar.load(actor.info().id, reported);
  }
}

}  // namespace tractor
