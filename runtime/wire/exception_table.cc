#include "runtime/wire/exception_table.h"

#include "absl/strings/str_cat.h"

namespace tractor {

void ExceptionTable::add(ExceptionType type) {
  if (type.name.empty() || !is_utf8(type.name) || type.name.size() > kMaxTypeName) {
    throw UsageError(absl::StrCat(Value(type.name).describe(),
                                  " cannot be the name of an exception type: it takes 1 to ", kMaxTypeName,
                                  " bytes of valid UTF-8"));
  }
  if (type.name.starts_with("tractor::"))
    throw UsageError(absl::StrCat("\"", type.name, "\": names in tractor:: are the library's; choose another"));
  if (find_name(type.name) != nullptr)
    throw UsageError(absl::StrCat("the exception type \"", type.name, "\" is defined twice; choose another name"));
  if (const ExceptionType* taken = find_type(type.cpp_type)) {
    throw UsageError(absl::StrCat("\"", type.name, "\" and \"", taken->name, "\" are both the exception type ",
                                  type.cpp_type,
                                  ": one type has one name (and types in anonymous namespaces of two "
                                  "files are told apart by nothing else)"));
  }
  auto entry = std::make_unique<const ExceptionType>(std::move(type));
  by_type_.emplace(entry->cpp_type, entry.get());
  by_name_.emplace(entry->name, std::move(entry));
}

const ExceptionType* ExceptionTable::find_name(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second.get();
}

const ExceptionType* ExceptionTable::find_type(std::string_view cpp_type) const {
  const auto found = by_type_.find(cpp_type);
  return found == by_type_.end() ? nullptr : found->second;
}

}  // namespace tractor
