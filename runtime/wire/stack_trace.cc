#include "runtime/wire/stack_trace.h"

#include <cxxabi.h>
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/debugging/symbolize.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "runtime/task/throw_trace.h"

namespace tractor {
namespace {

std::string module_of(const void* address) {
  Dl_info module{};
  if (dladdr(address, &module) == 0 || module.dli_fname == nullptr) return absl::StrCat("0x", absl::Hex(address));
  return absl::StrCat(std::filesystem::path(module.dli_fname).filename().string(), "+0x",
                      absl::Hex(static_cast<const char*>(address) - static_cast<const char*>(module.dli_fbase)));
}

// This version of Abseil leaves names as they are in which the standard library's ABI is tagged, as those of all
// functions that return strings: "_ZN5scene2hiB5cxx11Ev" is scene::hi() here, without parameters' types as Abseil's
// others.
std::string demangled(const char* name) {
  const auto without_tags = [](const char* text) { return absl::StrReplaceAll(text, {{"[abi:cxx11]", ""}}); };
  if (!std::string_view(name).starts_with("_Z")) return without_tags(name);
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status),
                                                         &std::free);
  if (status != 0) return name;
  std::string readable = without_tags(text.get());
  std::size_t at = readable.rfind(')');
  if (at == std::string::npos) return readable;
  for (int open = 1; open > 0 && at > 0;) {
    --at;
    open += readable[at] == ')' ? 1 : readable[at] == '(' ? -1 : 0;
  }
  return readable.substr(0, at) + "()";
}

// Kept, because Abseil reads the file's whole table of symbols for each.
std::string function_at(const void* address) {
  static std::mutex mutex;
  static auto& names = *new absl::flat_hash_map<const void*, std::string>;
  const std::lock_guard lock(mutex);
  if (names.empty()) absl::InitializeSymbolizer("/proc/self/exe");
  std::string& name = names[address];
  if (name.empty()) {
    std::array<char, 1024> text{};
    name = absl::Symbolize(address, text.data(), text.size()) ? demangled(text.data()) : module_of(address);
  }
  return name;
}

bool starts_with_one_of(std::string_view name, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view p) { return name.starts_with(p); });
}

}  // namespace

std::vector<std::string> function_names(std::span<void* const> return_addresses) {
  std::vector<std::string> names;
  for (void* address : return_addresses) {
    // The call, which stands before the address: a function that ends with a call returns into the next one.
    std::string name = function_at(static_cast<const char*>(address) - 1);
    // How a task waits, or a dump is taken, where that is what is going on.
    if (names.empty() &&
        starts_with_one_of(name, {"tractor::Fiber::", "tractor::Task::", "tractor::Waiter::",
                                  "tractor::Scheduler::snapshot", "tractor::describe_tasks", "tractor::dump_tasks"}))
      continue;
    // Below are tasks, calls and threads. (A lambda may stand inside the first of these.)
    if (!names.empty() && starts_with_one_of(name, {"tractor::Function::run", "tractor::detail::erased_call",
                                                    "tractor::detail::WorkOf", "tractor::Task::run"}))
      break;
    names.push_back(std::move(name));
  }
  while (names.size() > 1 && starts_with_one_of(names.back(), {"std::", "tractor::detail::"})) names.pop_back();
  return names;
}

std::vector<std::string> stack_trace(const std::exception_ptr& error) { return function_names(throw_trace(error)); }

}  // namespace tractor
