// What can be called in an actor. Plain data, any thread.
#pragma once

#include <string>
#include <vector>

#include "runtime/wire/remote_error.h"

namespace tractor {

struct Parameter {
  std::string name = {};
  std::string type = {};  // as Codec<T> calls it
  bool optional = false;  // may be left out

  bool operator==(const Parameter&) const = default;
};

// How a function answers: with one value, with a stream of items, or with items both ways and a value.
enum class FunctionKind { unary, generator, dialog };

struct FunctionDescription {
  std::string name = {};  // without the module
  FunctionKind kind = FunctionKind::unary;
  std::vector<Parameter> parameters = {};
  std::string result_type = {};  // "null" when it returns nothing; of a generator, that of its items
  bool in_thread = false;

  bool operator==(const FunctionDescription&) const = default;
};

struct ModuleDescription {
  std::string name = {};
  bool enabled = false;  // whether others may call its functions in this actor
  std::vector<FunctionDescription> functions = {};

  bool operator==(const ModuleDescription&) const = default;
};

struct ActorDescription {
  ActorRef actor = {};
  std::vector<ModuleDescription> modules = {};  // of its program, by name

  bool operator==(const ActorDescription&) const = default;
};

}  // namespace tractor
