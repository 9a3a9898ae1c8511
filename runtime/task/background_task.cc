#include "runtime/task/background_task.h"

#include <algorithm>

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
  Scheduler::State::of(*nursery_.scheduler_).background_tasks.insert(this);
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
  Scheduler::State::of(*nursery_.scheduler_).background_tasks.erase(this);
  nursery_.scope_.leave(true);
  if (const std::exception_ptr error = nursery_.take_errors()) std::rethrow_exception(error);
}

void BackgroundTask::end_all() {
  const std::set<BackgroundTask*>& all = Scheduler::State::of(Scheduler::current()).background_tasks;
  while (!all.empty()) {
    // Tasks of some own others, which they end: nothing here may wait for one of them.
    const auto over = std::find_if(all.begin(), all.end(), [](BackgroundTask* task) {
      return task->nursery_.pending_ == 0 && task->nursery_.closer_ == nullptr;
    });
    if (over != all.end()) {
      try {
        (*over)->end();
      } catch (...) {
        report_error(std::current_exception());
      }
    } else {
      for (BackgroundTask* task : all) task->nursery_.scope_.cancel();
      CancelScope({.shield = true}).run([] { sleep(std::chrono::milliseconds(1)); });
    }
  }
}

BackgroundTask::~BackgroundTask() {
  try {
    end();
  } catch (...) {
    report_error(std::current_exception());
  }
}

}  // namespace tractor
