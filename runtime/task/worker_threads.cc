#include "runtime/task/worker_threads.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "runtime/task/blocked_signals.h"
#include "runtime/task/scheduler_state.h"
#include "runtime/task/throw_trace.h"

namespace tractor {
namespace {

thread_local bool is_worker = false;

}  // namespace

bool WorkerThreads::is_one_here() noexcept { return is_worker; }

WorkerThreads& WorkerThreads::current() {
  Scheduler::State& state = Scheduler::State::of(Scheduler::current());
  if (!state.workers) state.workers = std::make_unique<WorkerThreads>(state.owner);
  return *state.workers;
}

WorkerThreads::~WorkerThreads() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerThreads::run(detail::Work& work, std::stop_source* stop) {
  permits_.acquire();
  struct Permit {
    ~Permit() { permits.release(); }
    Semaphore& permits;
  } permit{permits_};
  Waiter waiter("a worker thread");
  submit({&work, &waiter});
  waiter.wait([stop] {
    if (stop != nullptr) stop->request_stop();
    return Abort::kLater;
  });
}

void WorkerThreads::submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(job);
    if (jobs_.size() <= idle_) {
      changed_.notify_one();
      return;
    }
  }
  try {
    start_thread();
  } catch (const std::exception& error) {
    const std::lock_guard lock(mutex_);
    const auto mine = std::find_if(jobs_.begin(), jobs_.end(), [&](const Job& j) { return j.work == job.work; });
    if (!threads_.empty() || mine == jobs_.end()) return;  // those that there are will come to it
    jobs_.erase(mine);
    throw Error(std::string("to_thread: cannot start a thread: ") + error.what());
  }
}

void WorkerThreads::start_thread() {
  threads_.reserve(threads_.size() + 1);
  const BlockedSignals blocked;
  threads_.emplace_back([this] { serve(); });
}

void WorkerThreads::serve() {
  pthread_setname_np(pthread_self(), "tractor-worker");
  is_worker = true;
  take_throw_traces_here();
  std::unique_lock lock(mutex_);
  ++idle_;
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty()) return;
    const Job job = jobs_.front();
    jobs_.pop_front();
    lock.unlock();
    job.work->run();
    lock.lock();
    ++idle_;  // before the caller knows: its next call must find this thread, not start another one
    lock.unlock();
    scheduler_.post([waiter = job.waiter] { waiter->wake(); });
    lock.lock();
  }
}

}  // namespace tractor
