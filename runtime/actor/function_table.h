// The functions that a program's actors can run, by name and by address.
//
// Filled in main, before anything runs, and the same in every process of the program; read-only afterwards. The typed
// side (sdk/include/tractor/function.h) makes the entries.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <typeindex>
#include <variant>
#include <vector>

#include "runtime/wire/actor_description.h"
#include "runtime/wire/call_handler.h"
#include "runtime/wire/item_stream.h"
#include "runtime/wire/remote_error.h"
#include "runtime/wire/value.h"

namespace tractor {

// What a C++ function is known by here: its address, or the type of a captureless lambda.
using FunctionKey = std::variant<void (*)(), std::type_index>;

// Decoding an argument failed; the caller adds which function and which parameter.
class ArgumentMismatch : public Error {
 public:
  ArgumentMismatch(std::size_t index, const std::string& expected_got) : Error(expected_got), index_(index) {}
  std::size_t index() const { return index_; }

 private:
  std::size_t index_;
};

// What a function sees of the call that it serves, besides its arguments.
struct CallEnvironment {
  std::stop_token stop = {};       // of one that runs in_thread
  ServedStream* stream = nullptr;  // of a generator and a dialog
  std::string call_id = {};
  ActorRef caller = {};
  const ServedCall* served = nullptr;
};

struct Function {
  std::string module = {};
  std::string name = {};            // without the module
  std::string qualified_name = {};  // with it
  FunctionKind kind = FunctionKind::unary;
  std::vector<Parameter> parameters = {};
  std::string result_type = {};
  bool in_thread = false;
  FunctionKey key = static_cast<void (*)()>(nullptr);
  // Decodes, runs, encodes. One entry per parameter, empty where an optional one was left out. Throws ArgumentMismatch
  // before it runs.
  std::function<Value(std::vector<std::optional<Value>> arguments, CallEnvironment& environment)> call = {};

  // "cinema.movie_theatre(screen, seat)".
  std::string signature() const;
  // Positions and names become one entry per parameter; CallError(invalid_argument) names what is missing, surplus,
  // unknown or given twice.
  std::vector<std::optional<Value>> bind(Arguments arguments) const;
  // Binds and runs it here: on a worker thread when it is in_thread, where cancelling the caller requests the stop.
  // CallError(invalid_argument) when the caller wants items of a function that has none, or none of one that has.
  Value run(Arguments arguments, CallEnvironment environment) const;
};

class FunctionTable {
 public:
  // UsageError when the name or the key is taken, or is no name.
  void add(Function function);
  // Null when there is none.
  const Function* find(std::string_view qualified_name) const;
  const Function* find(const FunctionKey& key) const;
  bool has_module(std::string_view module) const { return modules_.contains(module); }
  // All modules by name, with their functions by name; none enabled.
  std::vector<ModuleDescription> describe() const;
  // "a", "b"; for error messages.
  std::string module_names() const;
  void check_module_name(const std::string& name) const;

 private:
  std::map<std::string, std::unique_ptr<Function>, std::less<>> by_name_;
  std::map<FunctionKey, const Function*> by_key_;
  std::map<std::string, int, std::less<>> modules_;
};

}  // namespace tractor
