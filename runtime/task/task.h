// A task: a function, the stack it runs on, and the scope it is in. Internal; users see TaskNursery.
//
// Made by a nursery (or the scheduler, for the root), it lives at the top of its own stack, so that starting one
// allocates nothing but its work; the scheduler buries it after its last switch. Loop thread only. What every
// checkpoint does is inline in scheduler_state.h, which files that use those functions include.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/slist.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "runtime/task/fiber.h"
#include "runtime/task/scheduler.h"
#include "runtime/task/stack_pool.h"

namespace tractor {

using ReadyTaskHook = boost::intrusive::slist_base_hook<boost::intrusive::tag<struct ReadyTaskTag>>;
using AliveTaskHook = boost::intrusive::list_base_hook<boost::intrusive::tag<struct AliveTaskTag>>;

class Task : public Fiber, public ReadyTaskHook, public AliveTaskHook, public ScopedTaskHook {
 public:
  // A task in the scope of `nursery` (null for the root task), ready to run.
  static Task& start(Scheduler& scheduler, TaskNursery* nursery, std::string name, std::unique_ptr<detail::Work> work);
  // After its last switch, from another stack.
  static void bury(Task& task) noexcept;

  // The running task; UsageError naming `caller` when there is none.
  static Task& current(const char* caller);
  static Task* try_current() noexcept;
  [[noreturn]] static void throw_no_current(const char* caller);
  // In a task.
  [[noreturn]] static void throw_cancelled();

  bool cancelled() const { return scope_ != nullptr && scope_->effectively_cancelled(); }
  CancelScope* scope() const { return scope_; }
  // Makes `scope` the innermost one.
  void move_to(CancelScope* scope) noexcept;
  // Tells `nursery` of its end instead.
  void move_to_nursery(TaskNursery& nursery) noexcept { nursery_ = &nursery; }
  // What failed in a destructor, which cannot throw: goes to the log and to the innermost nursery that is open here.
  void report(std::exception_ptr error) noexcept;

  // Parks the running task until make_ready(). Runs others meanwhile.
  void suspend();
  void make_ready();
  void yield() {
    make_ready();
    suspend();
  }
  // Calls the abort function of what it waits for, if there is one and it was not called before.
  void deliver_cancellation() noexcept;

  Scheduler& scheduler() const { return scheduler_; }
  std::string name() const;
  void rename(std::string name) { name_ = std::move(name); }
  // Of one that may have ended: empty then.
  static std::string name_of(const void* task);
  // The task that opened the nursery it is in; null for the root task.
  const Task* parent() const;
  TaskSnapshot snapshot(int depth);

  // For the handler of a fault: whether an address is in the guard page, and the line that says so (snprintf's return
  // value).
  bool is_below_stack(const void* address) const noexcept;
  int print_overflow(char* text, std::size_t size) const noexcept;

 private:
  friend class Waiter;
  friend class Cancelled;
  friend class TaskNursery;

  Task(Scheduler& scheduler, Stack stack, char* top, TaskNursery* nursery, std::string name,
       std::unique_ptr<detail::Work> work);
  ~Task() = default;

  static void run(Fiber& self);

  Scheduler& scheduler_;
  CancelScope* scope_ = nullptr;
  Waiter* waiter_ = nullptr;  // what it waits for; null when it is ready or running
  Clock::time_point waits_since_{};
  TaskNursery* nursery_;
  TaskNursery* innermost_ = nullptr;  // that it has opened itself
  std::unique_ptr<detail::Work> work_;
  Stack stack_;
  std::uint64_t id_;
  bool told_of_swallowing_ = false;
  std::string name_;
};

}  // namespace tractor
