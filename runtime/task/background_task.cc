#include "runtime/task/background_task.h"

#include "runtime/task/scheduler_state.h"

namespace tractor {

void BackgroundTask::start(std::string name, std::unique_ptr<detail::Work> work) {
  Task::current("a background task");
  nursery_.scope_.open();
  nursery_.scheduler_ = &Scheduler::current();
  nursery_.phase_ = TaskNursery::Phase::kBodyRuns;
  try {
    nursery_.spawn_work(std::move(name), std::move(work));
  } catch (...) {  // there is no memory for its stack
    nursery_.phase_ = TaskNursery::Phase::kClosed;
    nursery_.scope_.leave(false);
    throw;
  }
}

void BackgroundTask::end() {
  if (nursery_.phase_ == TaskNursery::Phase::kClosed) return;
  if (nursery_.pending_ > 0) nursery_.scope_.cancel();  // else what it has left behind goes on: streams that it made
  while (nursery_.pending_ > 0) {
    Waiter waiter("a background task to end");
    nursery_.closer_ = &waiter;
    waiter.wait_shielded();
    nursery_.closer_ = nullptr;
  }
  nursery_.phase_ = TaskNursery::Phase::kClosed;
  nursery_.scope_.leave(true);
  if (const std::exception_ptr error = nursery_.take_errors()) std::rethrow_exception(error);
}

BackgroundTask::~BackgroundTask() {
  try {
    end();
  } catch (...) {
    report_error(std::current_exception());
  }
}

}  // namespace tractor
