#include "arbiter/client.h"

#include <grpcpp/channel.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "arbiter/addresses.h"
#include "arbiter/ledger.h"
#include "arbiter/ledger_request.h"
#include "runtime/log.h"
#include "runtime/task/scheduler.h"
#include "runtime/wire/actor_info_codec.h"
#include "runtime/wire/completion_queue.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/error_info.h"
#include "runtime/wire/ledger_event_codec.h"
#include "tractor/v1/arbiter.grpc.pb.h"

namespace tractor::arbiter {
namespace {

// Between two tries while the arbiter is away.
constexpr Clock::duration kRetryPause = std::chrono::milliseconds(100);
// How long one of several arbiters has to answer before the next is asked; and to find what is waited for, before it is
// asked again, or the next.
constexpr Clock::duration kAnswerTimeout = std::chrono::seconds(1);
constexpr Clock::duration kWaitTimeout = std::chrono::seconds(5);
// How long it may take to read the files of a ledger.
constexpr Clock::duration kLedgerTimeout = std::chrono::seconds(30);
// Of how many questions the last answers are remembered.
constexpr std::size_t kRemembered = 1000;

// Nobody can have what cannot travel.
void check_text(const std::string& text) {
  if (!is_utf8(text)) throw UsageError("names and labels are valid UTF-8, not " + Value(text).describe());
}

v1::Pick encode(Pick pick) {
  switch (pick) {
    case Pick::newest:
      return v1::PICK_NEWEST;
    case Pick::random:
      return v1::PICK_RANDOM;
    case Pick::round_robin:
      return v1::PICK_ROUND_ROBIN;
    case Pick::least_loaded:
      return v1::PICK_LEAST_LOADED;
  }
  throw UsageError(absl::StrCat("FindOptions.pick is none of Pick's values: ", static_cast<int>(pick)));
}

std::vector<ActorInfo> decode_all(const google::protobuf::RepeatedPtrField<v1::Registration>& from, bool stale) {
  std::vector<ActorInfo> to;
  to.reserve(static_cast<std::size_t>(from.size()));
  for (const v1::Registration& registration : from) {
    to.push_back(decode(registration));
    to.back().stale = stale;
  }
  return to;
}

// Labels are written in their order, so that equal questions have equal keys.
std::string question_of(const v1::FindRequest& request) {
  std::string key = absl::StrCat(request.pick(), "\n", request.name());
  const std::map<std::string, std::string> labels(request.labels().begin(), request.labels().end());
  for (const auto& [label, value] : labels) {
    for (const std::string& text : {label, value}) absl::StrAppend(&key, "\n", text.size(), " ", text);
  }
  return key;
}

}  // namespace

struct Client::Stub {
  Stub(const std::string& address, Clock::duration unreachable_after)
      : stub(v1::ArbiterService::NewStub(open_channel(address, unreachable_after))) {}
  std::unique_ptr<v1::ArbiterService::Stub> stub;
};

Client::Client(const WireContext& wire, const std::string& addresses, std::string actor_namespace)
    : wire_(wire),
      addresses_(parse_addresses(addresses)),
      namespace_(std::move(actor_namespace)),
      stubs_(addresses_.size()) {}

Client::~Client() = default;

template <class Request, class Response, class Prepare>
Response Client::ask_one(std::size_t index, const Request& request, Prepare prepare, Clock::duration timeout) {
  checkpoint_if_cancelled();
  const std::string& address = addresses_[index];
  std::unique_ptr<Stub>& stub = stubs_[index];
  if (stub == nullptr) stub = std::make_unique<Stub>(address, wire_.unreachable_after);
  grpc::ClientContext context;
  add_metadata(context, wire_, address);
  if (addresses_.size() > 1) context.set_deadline(std::chrono::system_clock::now() + timeout);
  Response response;
  grpc::Status status;
  Operation op("the arbiter's answer");
  auto reader = (stub->stub.get()->*prepare)(&context, request, wire_.port->queue());
  reader->StartCall();
  reader->Finish(&response, &status, op.tag());
  op.wait([&] { context.TryCancel(); });
  if (status.ok()) return response;
  if (op.cancelled()) throw_if_cancelled();
  ErrorInfo error = from_status(status, {.name = "arbiter"});
  if (error.kind == ErrorKind::deadline_exceeded) error.kind = ErrorKind::unavailable;  // it was ours, not the caller's
  error.message = absl::StrCat("the arbiter at ", address, " does not answer: ", error.message);
  std::rethrow_exception(exception_for(std::move(error)));
}

// Each of them once, beginning with the one that answered last.
template <class Request, class Response, class Prepare>
Response Client::ask(const Request& request, Prepare prepare, Clock::duration timeout) {
  for (std::size_t tries = 1;; ++tries) {
    const std::size_t asked = current_;
    try {
      return ask_one<Request, Response>(current_, request, prepare, timeout);
    } catch (const RemoteActorError& e) {
      if (e.kind() != ErrorKind::unavailable) throw;
      if (current_ == asked) current_ = (current_ + 1) % addresses_.size();  // else another task has done that already
      if (tries == addresses_.size()) throw;
    }
  }
}

v1::FindRequest Client::request(const std::string& name, const FindOptions& options) {
  check_text(name);
  for (const auto& [key, value] : options.labels) {
    check_text(key);
    check_text(value);
  }
  v1::FindRequest request;
  request.set_name(name);
  request.set_namespace_(namespace_);
  request.mutable_labels()->insert(options.labels.begin(), options.labels.end());
  return request;
}

std::vector<ActorInfo> Client::ask_find(const v1::FindRequest& request) {
  const auto prepare = &v1::ArbiterService::Stub::PrepareAsyncFind;
  auto response = ask<v1::FindRequest, v1::FindResponse>(request, prepare, kAnswerTimeout);
  std::size_t other = current_;
  for (std::size_t left = addresses_.size() - 1; response.stale() && left > 0; --left) {  // one whose store is there
    other = (other + 1) % addresses_.size();
    try {
      response = ask_one<v1::FindRequest, v1::FindResponse>(other, request, prepare, kAnswerTimeout);
      current_ = other;
    } catch (const RemoteActorError& e) {
      if (e.kind() != ErrorKind::unavailable) throw;
    }
  }
  set_stale(response.stale(), absl::StrCat("the store of the arbiter at ", address(), " is away"));
  return decode_all(response.actors(), response.stale());
}

std::vector<ActorInfo> Client::ask_or_remember(const v1::FindRequest& request) {
  const std::string question = question_of(request);
  try {
    std::vector<ActorInfo> found = ask_find(request);
    remember(question, found);
    return found;
  } catch (const RemoteActorError& e) {
    const auto known = remembered_.find(question);
    if (e.kind() != ErrorKind::unavailable || known == remembered_.end()) throw;
    set_stale(true, e.message());
    std::vector<ActorInfo> found = known->second.actors;
    for (ActorInfo& actor : found) actor.stale = true;
    return found;
  }
}

void Client::remember(const std::string& question, const std::vector<ActorInfo>& actors) {
  remembered_[question] = {.actors = actors, .used = ++questions_};
  if (remembered_.size() <= kRemembered) return;
  remembered_.erase(std::ranges::min_element(remembered_, {}, [](const auto& entry) { return entry.second.used; }));
}

void Client::set_stale(bool stale, const std::string& why) {
  if (std::exchange(stale_, stale) == stale) return;
  if (stale) {
    log::warning(absl::StrCat("actors are found as they were known before, which may be out of date: ", why));
  } else {
    log::info(absl::StrCat("the arbiter at ", address(), " is back: what is found is up to date"));
  }
}

std::vector<ActorInfo> Client::find(const std::string& name, const FindOptions& options) {
  return ask_or_remember(request(name, options));
}

std::optional<ActorInfo> Client::pick(const std::string& name, const FindOptions& options) {
  v1::FindRequest question = request(name, options);
  question.set_pick(encode(options.pick));
  std::vector<ActorInfo> found = ask_or_remember(question);
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

ActorInfo Client::wait_for(const std::string& name, const FindOptions& options) {
  v1::FindRequest question = request(name, options);
  question.set_pick(encode(options.pick));
  for (bool said = false;;) {
    try {
      // Of several arbiters one that answers: the wait alone cannot tell one that is gone from a name that nobody has.
      std::vector<ActorInfo> found;
      if (addresses_.size() > 1) found = ask_find(question);
      if (found.empty()) found = wait_to_find(question);
      if (!found.empty()) {
        remember(question_of(question), found);
        return std::move(found.front());
      }
    } catch (const RemoteActorError& e) {
      if (e.kind() != ErrorKind::unavailable) throw;
      if (!std::exchange(said, true)) log::warning(absl::StrCat("still waiting for \"", name, "\": ", e.message()));
    }
    sleep(kRetryPause);
  }
}

// Empty when nobody has come within kWaitTimeout, or one of several arbiters does not answer.
std::vector<ActorInfo> Client::wait_to_find(v1::FindRequest question) {
  question.set_wait(true);
  try {
    const auto response = ask_one<v1::FindRequest, v1::FindResponse>(
        current_, question, &v1::ArbiterService::Stub::PrepareAsyncFind, kWaitTimeout);
    set_stale(response.stale(), absl::StrCat("the store of the arbiter at ", address(), " is away"));
    return decode_all(response.actors(), response.stale());
  } catch (const RemoteActorError& e) {
    if (e.kind() != ErrorKind::unavailable || addresses_.size() == 1) throw;
    return {};
  }
}

std::vector<ActorInfo> Client::list() {
  v1::ListRequest request;
  request.set_namespace_(namespace_);
  const auto response =
      ask<v1::ListRequest, v1::ListResponse>(request, &v1::ArbiterService::Stub::PrepareAsyncList, kAnswerTimeout);
  return decode_all(response.actors(), response.stale());
}

std::vector<LedgerEvent> Client::ledger(const LedgerQuery& query) {
  const v1::LedgerRequest request = to_request(query, namespace_);
  NewestRecords newest(query.limit);
  std::exception_ptr error;
  std::size_t answers = 0;
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    try {
      const auto response = ask_one<v1::LedgerRequest, v1::LedgerResponse>(
          i, request, &v1::ArbiterService::Stub::PrepareAsyncLedger, kLedgerTimeout);
      for (const v1::LedgerEvent& event : response.events()) newest.add({.event = decode(event)});
      ++answers;
    } catch (const RemoteActorError& e) {
      if (e.kind() != ErrorKind::unavailable) throw;
      error = std::current_exception();
    }
  }
  if (answers == 0) std::rethrow_exception(error);
  std::vector<LedgerEvent> events;
  for (const LedgerRecord& record : newest.all()) events.push_back(record.event);
  return events;
}

}  // namespace tractor::arbiter
