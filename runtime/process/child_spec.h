// What a child actor is to be. Plain data.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/task/clock.h"
#include "runtime/wire/address.h"
#include "runtime/wire/value.h"

namespace tractor {

struct ChildSpec {
  std::string name = {};
  std::vector<std::string> modules = {};
  Value::Map statespace = {};
  std::map<std::string, std::string> labels = {};
  Clock::duration budget = kDefaultBudget;  // zero: it is killed at once
  // A one-shot actor runs this and then serves until released; a daemon has none.
  std::optional<std::string> function = {};
  Value::List arguments = {};
  // The function is a generator: not the actor starts it, but its owner opens a stream of it, and tells the end of that
  // (Child::settle).
  bool streams = false;
};

}  // namespace tractor
