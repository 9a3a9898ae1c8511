#include "runtime/actor/function_table.h"

#include <cctype>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/task/worker_threads.h"

namespace tractor {
namespace {

void check_name(std::string_view kind, std::string_view name) {
  bool good = !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0;
  for (char c : name) good = good && (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_');
  if (!good) {
    throw UsageError(absl::StrCat("\"", std::string(name), "\" is no name for a ", std::string(kind),
                                  ": use letters, digits and _"));
  }
}

}  // namespace

std::string Function::signature() const {
  return absl::StrCat(
      qualified_name, "(",
      absl::StrJoin(parameters, ", ", [](std::string* out, const Parameter& p) { absl::StrAppend(out, p.name); }), ")");
}

std::vector<std::optional<Value>> Function::bind(Arguments arguments) const {
  const auto refuse = [this](auto&&... parts) -> CallError {
    return {ErrorKind::invalid_argument, absl::StrCat(signature(), ": ", parts...)};
  };
  if (arguments.positional.size() > parameters.size()) {
    throw refuse("takes ", parameters.size(), parameters.size() == 1 ? " argument" : " arguments", ", got ",
                 arguments.positional.size());
  }
  std::vector<std::optional<Value>> bound(parameters.size());
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) bound[i] = std::move(arguments.positional[i]);
  for (auto& [name, value] : arguments.named) {
    std::size_t i = 0;
    while (i < parameters.size() && parameters[i].name != name) ++i;
    if (i == parameters.size()) throw refuse("has no parameter \"", name, "\"");
    if (bound[i]) throw refuse("got \"", name, "\" twice, by position and by name");
    bound[i] = std::move(value);
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!bound[i] && !parameters[i].optional)
      throw refuse("the argument \"", parameters[i].name, "\" (", parameters[i].type, ") is missing");
  }
  return bound;
}

Value Function::run(Arguments arguments, CallEnvironment environment) const {
  std::vector<std::optional<Value>> bound = bind(std::move(arguments));
  if (kind != FunctionKind::unary && environment.stream == nullptr) {
    throw CallError(
        ErrorKind::invalid_argument,
        absl::StrCat(signature(),
                     kind == FunctionKind::generator ? " is a generator: ask for a tractor::Stream of its items"
                                                     : " is a dialog: open it with open_context()",
                     ", or call it by the RPC Stream"));
  }
  if (kind == FunctionKind::unary && environment.stream != nullptr) {
    throw CallError(ErrorKind::invalid_argument,
                    signature() + " returns one value and has no items: call it with run()");
  }
  try {
    if (!in_thread) return call(std::move(bound), environment);
    return to_thread([&](std::stop_token stop) {
      environment.stop = std::move(stop);
      return call(std::move(bound), environment);
    });
  } catch (const ArgumentMismatch& e) {
    throw CallError(ErrorKind::invalid_argument,
                    absl::StrCat(signature(), ": for \"", parameters[e.index()].name, "\" it ", e.what()));
  }
}

void FunctionTable::add(Function function) {
  check_name("module", function.module);
  check_name("function", function.name);
  for (std::size_t i = 0; i < function.parameters.size(); ++i) {
    check_name("parameter", function.parameters[i].name);
    for (std::size_t j = 0; j < i; ++j) {
      if (function.parameters[i].name == function.parameters[j].name) {
        throw UsageError(
            absl::StrCat(function.qualified_name, " has two parameters named \"", function.parameters[i].name, "\""));
      }
    }
  }
  const std::string name = function.qualified_name;
  if (by_name_.contains(name))
    throw UsageError(absl::StrCat("the function \"", name, "\" is defined twice; choose another name"));
  if (const auto taken = by_key_.find(function.key); taken != by_key_.end()) {
    throw UsageError(absl::StrCat("\"", name, "\" and \"", taken->second->qualified_name,
                                  "\" are the same C++ function: one function has one name"));
  }
  auto entry = std::make_unique<Function>(std::move(function));
  ++modules_[entry->module];
  by_key_.emplace(entry->key, entry.get());
  by_name_.emplace(name, std::move(entry));
}

const Function* FunctionTable::find(std::string_view qualified_name) const {
  const auto found = by_name_.find(qualified_name);
  return found == by_name_.end() ? nullptr : found->second.get();
}

const Function* FunctionTable::find(const FunctionKey& key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : found->second;
}

std::vector<ModuleDescription> FunctionTable::describe() const {
  std::map<std::string, ModuleDescription> modules;
  for (const auto& [qualified_name, function] : by_name_) {
    ModuleDescription& module = modules[function->module];
    module.name = function->module;
    module.functions.push_back({.name = function->name,
                                .kind = function->kind,
                                .parameters = function->parameters,
                                .result_type = function->result_type,
                                .in_thread = function->in_thread});
  }
  std::vector<ModuleDescription> all;
  for (auto& [name, module] : modules) all.push_back(std::move(module));
  return all;
}

std::string FunctionTable::module_names() const {
  return absl::StrJoin(modules_, ", ",
                       [](std::string* out, const auto& entry) { absl::StrAppend(out, "\"", entry.first, "\""); });
}

void FunctionTable::check_module_name(const std::string& name) const {
  if (has_module(name)) return;
  throw UsageError(absl::StrCat(
      "no module \"", name, "\" in this program (there ",
      modules_.empty() ? std::string("are none") : absl::StrCat(modules_.size() == 1 ? "is " : "are ", module_names()),
      "); define it with program.module(\"", name, "\").def(...)"));
}

}  // namespace tractor
