#include "runtime/actor/task_dump.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "runtime/actor/runtime.h"
#include "runtime/wire/stack_trace.h"

namespace tractor {
namespace {

void append_functions(std::string& text, std::span<void* const> stack, std::size_t indent) {
  for (const std::string& function : function_names(stack))
    absl::StrAppend(&text, std::string(indent, ' '), "  at ", function, "\n");
}

}  // namespace

std::string dump_tasks() {
  Runtime& runtime = Runtime::current();
  return describe_tasks(runtime.actor().self(), runtime.scheduler());
}

std::string describe_tasks(const ActorRef& self, const Scheduler& scheduler) {
  std::string text = absl::StrCat("tasks of ", to_string(self), ", process ", getpid(), ":\n");
  for (const TaskSnapshot& task : scheduler.snapshot()) {
    absl::StrAppend(&text, task.describe(), "\n");
    append_functions(text, task.stack, static_cast<std::size_t>(task.depth) * 2);
  }
  return text;
}

std::string describe_busy_loop(std::span<void* const> stack) {
  std::string text = absl::StrCat("process ", getpid(), ": a task keeps the loop busy, no other one runs:\n");
  append_functions(text, stack, 0);
  return text;
}

}  // namespace tractor
