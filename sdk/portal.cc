#include "tractor/portal.h"

#include "runtime/actor/runtime.h"
#include "runtime/process/child.h"
#include "runtime/wire/peer.h"

namespace tractor {

namespace detail {

const Function& defined(const FunctionKey& key) {
  const Function* function = Runtime::current().actor().functions().find(key);
  if (function == nullptr) {
    throw UsageError(
        "this function was not defined: add it in main, with program.module(\"...\").def(\"name\", function)");
  }
  return *function;
}

namespace {

[[noreturn]] void refuse_argument(const std::string& function, const std::string& argument, const std::string& why) {
  throw CallError(ErrorKind::invalid_argument, function + ": " + argument + " cannot travel: " + why);
}

}  // namespace

void refuse_argument(const Function& function, std::size_t index, const Error& why) {
  refuse_argument(function.signature(), '"' + function.parameters[index].name + '"', why.what());
}

void refuse_argument(std::string_view function, std::size_t index, const Error& why) {
  refuse_argument(std::string(function), "argument " + std::to_string(index + 1), why.what());
}

Value::Map encode_arguments(std::string_view function, std::initializer_list<NamedArgument> arguments) {
  Value::Map named;
  for (const NamedArgument& argument : arguments) {
    const std::string quoted = '"' + argument.name + '"';
    if (!argument.refusal.empty()) refuse_argument(std::string(function), quoted, argument.refusal);
    if (!named.emplace(argument.name, argument.value).second)
      throw CallError(ErrorKind::invalid_argument, std::string(function) + ": got " + quoted + " twice");
  }
  return named;
}

void name_parameters(Function& function, std::vector<std::string> names) {
  if (names.empty()) {
    for (std::size_t i = 0; i < function.parameters.size(); ++i) names.push_back("arg" + std::to_string(i + 1));
  }
  if (names.size() != function.parameters.size()) {
    throw UsageError("\"" + function.qualified_name + "\" has " + std::to_string(function.parameters.size()) +
                     " parameters, but def() names " + std::to_string(names.size()) + ": name all of them, or none");
  }
  for (std::size_t i = 0; i < names.size(); ++i) function.parameters[i].name = std::move(names[i]);
}

}  // namespace detail

void detail::throw_end_of_dialog() { throw EndOfChannel("the other side of this dialog sends no more"); }

namespace {

// As what travels.
std::string function_name(std::string_view function) {
  Runtime::current();
  if (!is_utf8(function)) {
    throw CallError(ErrorKind::not_found, "no function " + Value(function).describe() + ": a name is valid UTF-8");
  }
  return std::string(function);
}

}  // namespace

Value Portal::call(std::string_view function, Arguments arguments) {
  const std::shared_ptr<Peer> peer = peer_;  // this portal may go meanwhile
  return peer->invoke(function_name(function), std::move(arguments));
}

std::unique_ptr<RemoteStream> Portal::open_stream(std::string_view function, Arguments arguments,
                                                  const StreamOptions& options) {
  std::string name = function_name(function);
  if (options.items < 1 || options.bytes < 1)
    throw UsageError("a stream of " + name +
                     " needs room for one item and one byte at least: look at its StreamOptions");
  return peer_->open_stream(std::move(name), std::move(arguments), {.items = options.items, .bytes = options.bytes});
}

std::unique_ptr<RemoteStream> Portal::open_dialog(std::string_view function, Arguments arguments,
                                                  const StreamOptions& options) {
  if (peer_->actor().id == Runtime::current().actor().self().id) {
    throw UsageError(std::string(function) +
                     ": an actor cannot have a dialog with itself; use two tasks and a memory channel");
  }
  return open_stream(function, std::move(arguments), options);
}

bool Portal::cancel_call(const std::string& call_id, const std::string& reason) {
  Runtime::current();
  const std::shared_ptr<Peer> peer = peer_;
  return peer->cancel_call(call_id, reason);
}

Value Portal::wait_result() {
  if (!child_->settled()) Runtime::current();
  const std::shared_ptr<Child> child = child_;
  return child->wait_result();
}

ActorDescription Portal::describe() {
  Runtime::current();
  const std::shared_ptr<Peer> peer = peer_;  // this portal may go meanwhile
  return peer->describe();
}

void Portal::cancel_actor() {
  Runtime& runtime = Runtime::current();
  if (const std::shared_ptr<Child> child = child_) {
    const ActorRef& self = runtime.actor().self();
    child->release("cancelled by " + to_string(self), self);
    child->wait_ended();
    return;
  }
  const std::shared_ptr<Peer> peer = peer_;
  try {
    peer->cancel_actor(kDefaultBudget, "");
  } catch (const RemoteActorError& e) {
    // Gone, or another one lives there now.
    if (e.kind() != ErrorKind::unavailable && e.kind() != ErrorKind::not_found) throw;
  }
}

const std::string& Portal::name() const { return peer_->actor().name; }

const std::string& Portal::id() const { return peer_->actor().id; }

ChannelInfo Portal::channel() const {
  return {.peer = peer_->actor(),
          .addresses = peer_->addresses(),
          .address = peer_->address(),
          .ended = child_ != nullptr && child_->ended(),
          .calls_started = peer_->calls_started(),
          .calls_in_flight = peer_->calls_in_flight()};
}

}  // namespace tractor
