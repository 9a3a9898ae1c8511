// The errors of tasks. The family is small and closed, as trio's is.
#pragma once

#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

namespace tractor {

// Thrown by checkpoints inside a cancelled scope and caught by that scope. It has no standard base, so that
// `catch (const std::exception&)` lets it pass; code that catches `...` must rethrow: who swallows it is named in the
// log, once a task. Only the library throws it.
class Cancelled {
 public:
  Cancelled(const Cancelled& other) noexcept : task_(other.task_), absorbed_(other.absorbed_) { other.absorb(); }
  Cancelled& operator=(const Cancelled&) = delete;
  ~Cancelled() {
    if (!absorbed_) report_swallowed();
  }
  // For the library, where a cancelled scope or task ends.
  void absorb() const noexcept { absorbed_ = true; }

 private:
  friend class Task;
  explicit Cancelled(std::uint64_t task) noexcept : task_(task) {}
  void report_swallowed() const noexcept;

  std::uint64_t task_;  // that it was thrown in
  mutable bool absorbed_ = false;
};

// The base of what the library itself throws.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The API was used where it cannot work: outside a running program, from another thread, twice.
class UsageError : public Error {
 public:
  using Error::Error;
};

// The block of fail_after or fail_at took longer than it had.
class TooSlowError : public Error {
 public:
  using Error::Error;
};

// A nursery whose body should return a value was cancelled from inside before the body had one.
class NurseryCancelled : public Error {
 public:
  using Error::Error;
};

// This end of a channel was closed here.
class ClosedError : public Error {
 public:
  using Error::Error;
};

// The other end of a channel is gone: nobody will ever receive what is sent.
class BrokenError : public Error {
 public:
  using Error::Error;
};

// Nothing will ever be received again: the senders of a channel closed it, and what they had sent is received.
class EndOfChannel : public Error {
 public:
  using Error::Error;
};

// An operation named *_nowait would have had to wait.
class WouldBlock : public Error {
 public:
  using Error::Error;
};

// Several errors at once: what more than one task of a nursery threw, in the order in which they ended. Never holds a
// Cancelled, and never fewer than two errors: one alone is rethrown as itself.
class ExceptionGroup : public Error {
 public:
  // Its text counts the errors and tells the first few.
  explicit ExceptionGroup(std::vector<std::exception_ptr> exceptions);

  const std::vector<std::exception_ptr>& exceptions() const noexcept { return exceptions_; }

  // A part of a group: null for none, one error alone as itself, several as an ExceptionGroup.
  struct Split {
    std::exception_ptr matching;
    std::exception_ptr rest;
  };
  // The errors that `catch (const E&)` would catch, and the others; groups inside are split, too, and keep their place.
  // As in Python, except that only the errors themselves are asked, not the groups they are in (which are all
  // std::exceptions):
  //   catch (const ExceptionGroup& group) {
  //     const auto [lost, rest] = group.split<ConnectionLost>();
  //     if (rest) std::rethrow_exception(rest);
  template <class E>
  Split split() const {
    return split_by([](const std::exception_ptr& error) {
      try {
        std::rethrow_exception(error);
      } catch (const E&) {
        return true;
      } catch (...) {
        return false;
      }
    });
  }

 private:
  Split split_by(bool (*matches)(const std::exception_ptr&)) const;

  std::vector<std::exception_ptr> exceptions_;
};

// What an exception says, for logs and messages: what() of a std::exception, the text of a string, else its type's
// name.
std::string describe(const std::exception_ptr& error);

// For destructors, which cannot throw: an error goes to the log, and is thrown by the innermost nursery that is open
// around it.
void report_error(const std::exception_ptr& error) noexcept;

// The demangled name of a type, and of an exception's: "std::runtime_error", "int". What std::throw_with_nested makes
// of an error is still that error.
std::string type_name_of(const std::type_info& type);
std::string type_name_of(const std::exception_ptr& error);

}  // namespace tractor
