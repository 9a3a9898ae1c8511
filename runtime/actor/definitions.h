// What a program has defined: the same in each of its processes, filled in main, read-only while an actor runs.
#pragma once

#include "runtime/actor/function_table.h"
#include "runtime/wire/exception_table.h"

namespace tractor {

struct Definitions {
  FunctionTable functions = {};
  ExceptionTable exceptions = {};
};

}  // namespace tractor
