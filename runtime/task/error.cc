#include "runtime/task/error.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <string_view>
#include <typeinfo>
#include <utility>

namespace tractor {

namespace {

std::string summary(const std::vector<std::exception_ptr>& errors) {
  constexpr std::size_t kShown = 5;
  std::string text = std::to_string(errors.size()) + " errors: ";
  for (std::size_t i = 0; i < errors.size() && i < kShown; ++i) {
    if (i > 0) text += "; ";
    text += describe(errors[i]);
  }
  if (errors.size() > kShown) text += "; and " + std::to_string(errors.size() - kShown) + " more";
  return text;
}

std::exception_ptr as_one(std::vector<std::exception_ptr> errors) {
  if (errors.empty()) return nullptr;
  return errors.size() == 1 ? errors.front() : std::make_exception_ptr(ExceptionGroup(std::move(errors)));
}

}  // namespace

ExceptionGroup::ExceptionGroup(std::vector<std::exception_ptr> exceptions)
    : Error(summary(exceptions)), exceptions_(std::move(exceptions)) {}

ExceptionGroup::Split ExceptionGroup::split_by(bool (*matches)(const std::exception_ptr&)) const {
  std::vector<std::exception_ptr> matching;
  std::vector<std::exception_ptr> rest;
  for (const std::exception_ptr& error : exceptions_) {
    try {
      std::rethrow_exception(error);
    } catch (const ExceptionGroup& group) {
      Split parts = group.split_by(matches);
      if (!parts.matching || !parts.rest) {  // the group itself, not a copy
        (parts.matching ? matching : rest).push_back(error);
      } else {
        matching.push_back(std::move(parts.matching));
        rest.push_back(std::move(parts.rest));
      }
    } catch (...) {
      (matches(error) ? matching : rest).push_back(error);
    }
  }
  return {as_one(std::move(matching)), as_one(std::move(rest))};
}

std::string describe(const std::exception_ptr& error) {
  if (!error) return "no error";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (const std::string& text) {
    return text;
  } catch (const char* text) {
    return text != nullptr ? text : "null";
  } catch (int number) {
    return std::to_string(number);
  } catch (long number) {
    return std::to_string(number);
  } catch (double number) {
    return std::to_string(number);
  } catch (...) {
    return type_name_of(error);
  }
}

std::string type_name_of(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(type.name(), nullptr, nullptr, &status),
                                                         &std::free);
  const std::string name = status == 0 ? text.get() : type.name();
  constexpr std::string_view kNested = "std::_Nested_exception<";
  if (!name.starts_with(kNested) || !name.ends_with('>')) return name;
  return name.substr(kNested.size(), name.size() - kNested.size() - 1);
}

std::string type_name_of(const std::exception_ptr& error) {
  if (!error) return "no error";
  try {
    std::rethrow_exception(error);
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return type == nullptr ? "a foreign exception" : type_name_of(*type);
  }
}

}  // namespace tractor
