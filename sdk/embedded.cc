#include "tractor/embedded.h"

#include <pthread.h>
#include <signal.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "runtime/actor/runtime.h"
#include "runtime/task/blocked_signals.h"
#include "runtime/task/worker_threads.h"
#include "sdk/root.h"

namespace tractor {
namespace {

// A function on its way to the loop. Its promise is broken when it was cut short, or never began.
struct Job {
  const std::function<void()>& function;
  std::promise<std::exception_ptr> ended;

  void run() {
    std::exception_ptr error;
    try {
      open_task_nursery([&](TaskNursery&) { function(); });  // which gets what destructors report
    } catch (const Cancelled&) {
      throw;
    } catch (...) {
      error = std::current_exception();
    }
    ended.set_value(std::move(error));
  }
};

}  // namespace

struct Embedded::State {
  std::thread thread;
  TaskNursery* nursery = nullptr;  // loop thread only; while it takes jobs

  std::mutex mutex;
  std::condition_variable has_ended;
  Scheduler* scheduler = nullptr;  // while it takes jobs
  bool stopping = false;
  std::exception_ptr why_ended;  // once it has
  std::mutex joining;

  // The thread's life.
  void serve(const Program& program, const RunOptions& options, std::promise<void> serving);
  void join() {
    const std::lock_guard lock(joining);
    if (thread.joinable()) thread.join();
  }
  [[noreturn]] void throw_ended(std::unique_lock<std::mutex> lock) {
    has_ended.wait(lock, [this] { return why_ended != nullptr; });
    std::rethrow_exception(why_ended);
  }
};

void Embedded::State::serve(const Program& program, const RunOptions& options, std::promise<void> serving) {
  bool served = false;
  std::exception_ptr error;
  try {
    run_root(program.definitions_, program.command_line_, options, HandlesSignals::kNo, [&] {
      open_task_nursery([&](TaskNursery& jobs) {
        struct StopTaking {
          State& state;
          ~StopTaking() {
            const std::lock_guard lock(state.mutex);
            state.scheduler = nullptr;
            state.nursery = nullptr;
          }
        } stop_taking{*this};
        nursery = &jobs;
        {
          const std::lock_guard lock(mutex);
          scheduler = &Scheduler::current();
        }
        served = true;
        serving.set_value();
        sleep_forever();
      });
    });
  } catch (...) {
    error = std::current_exception();
  }
  if (!served) return serving.set_exception(std::move(error));
  const std::lock_guard lock(mutex);
  why_ended = stopping ? std::make_exception_ptr(NurseryCancelled("the embedded actor was stopped")) : std::move(error);
  has_ended.notify_all();
}

Embedded::Embedded(Program& program, const RunOptions& options) : state_(std::make_unique<State>()) {
  program.serve_if_child();
  std::promise<void> serving;
  std::future<void> served = serving.get_future();
  {
    const BlockedSignals blocked;
    state_->thread = std::thread([this, &program, options, serving = std::move(serving)]() mutable {
      pthread_setname_np(pthread_self(), "tractor-loop");
      state_->serve(program, options, std::move(serving));
    });
  }
  try {
    served.get();
  } catch (...) {
    state_->join();
    throw;
  }
}

Embedded::~Embedded() { stop(); }

void Embedded::run_task(const std::function<void()>& task) {
  if (WorkerThreads::is_one_here()) {
    throw UsageError(
        "Embedded::run was called on a worker thread (in_thread, to_thread), whose end the actor waits for: call the "
        "function in a task");
  }
  auto job = std::make_shared<Job>(Job{.function = task, .ended = {}});
  std::future<std::exception_ptr> ended = job->ended.get_future();
  {
    std::unique_lock lock(state_->mutex);
    if (state_->scheduler == nullptr) state_->throw_ended(std::move(lock));
    if (state_->scheduler->on_loop_thread())
      throw UsageError("Embedded::run was called by one of the actor's own tasks: call the function instead");
    state_->scheduler->post([state = state_.get(), job = std::move(job)] {
      if (state->nursery == nullptr) return;
      try {
        state->nursery->start_soon([job] { job->run(); });
      } catch (const std::exception&) {  // there is no memory for its stack
        job->ended.set_value(std::current_exception());
      }
    });
  }
  std::exception_ptr error;
  try {
    error = ended.get();
  } catch (const std::future_error&) {  // the promise was broken
    state_->throw_ended(std::unique_lock(state_->mutex));
  }
  if (error != nullptr) std::rethrow_exception(error);
}

void Embedded::stop() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    if (state_->scheduler != nullptr) {
      state_->scheduler->post([] { Runtime::current().actor().cancel(kDefaultBudget, {}, "stopped"); });
    }
  }
  state_->join();
}

}  // namespace tractor
