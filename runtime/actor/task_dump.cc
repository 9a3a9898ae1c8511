#include "runtime/actor/task_dump.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "runtime/actor/runtime.h"
#include "runtime/wire/stack_trace.h"

namespace tractor {

std::string dump_tasks() {
  Runtime& runtime = Runtime::current();
  return describe_tasks(runtime.actor().self(), runtime.scheduler());
}

std::string describe_tasks(const ActorRef& self, const Scheduler& scheduler) {
  std::string text = absl::StrCat("tasks of ", to_string(self), ", process ", getpid(), ":\n");
  for (const TaskSnapshot& task : scheduler.snapshot()) {
    absl::StrAppend(&text, task.describe(), "\n");
    for (const std::string& function : function_names(task.stack))
      absl::StrAppend(&text, std::string(static_cast<std::size_t>(task.depth) * 2, ' '), "  at ", function, "\n");
  }
  return text;
}

std::string describe_busy_loop(std::span<void* const> stack) {
  std::string text = absl::StrCat("process ", getpid(), ": a task keeps the loop busy, no other one runs:\n");
  for (const std::string& function : function_names(stack)) absl::StrAppend(&text, "  at ", function, "\n");
  return text;
}

}  // namespace tractor
