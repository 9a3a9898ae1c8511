// The helper thread: what must go on while the loop is busy. Signals, ends of processes, connections on unix sockets,
// and the death of the parent arrive here first; a callback posts them to the loop. It is also the last resort: it
// kills the processes of this tree when the loop does not get to it.
//
// One per runtime. All functions may be called from any thread; callbacks run on the helper thread and must not wait.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace tractor {

class EarlyOutput;

class HelperThread {
 public:
  HelperThread();
  HelperThread(const HelperThread&) = delete;
  HelperThread& operator=(const HelperThread&) = delete;
  ~HelperThread();

  // Ends the thread: no callback runs after this. Idempotent; not from a callback.
  void stop();

  // Calls back once when the process has ended (it is still to be reaped). Keeps its own copy of the pidfd; false when
  // there is no descriptor left for that: then the caller has to look for itself.
  bool watch_exit(int pidfd, std::function<void()> on_exit);

  // Drains it until the end of the pipe.
  void collect(std::shared_ptr<EarlyOutput> output);

  // Accepts connections on a listening socket, which it owns from now on, and passes on those that begin to speak
  // HTTP/2; on a unix socket only those of processes of our own user, or root. Who is silent for kSilence is not kept.
  void accept_on(int listening_socket, std::function<void(int descriptor)> on_connection);

  // Calls back for each of these signals instead of their default action, until this object goes. Each signal once,
  // by the thread that made this object.
  void watch_signals(const std::vector<int>& signals, std::function<void(int signal)> on_signal);

  // Calls back once, that much later.
  void after(std::chrono::milliseconds delay, std::function<void()> callback);

  // Calls back again and again, with so much time between.
  void every(std::chrono::milliseconds period, std::function<void()> callback);

  // When the process behind the pidfd (our parent) ends: calls back, and `grace` later ends this process and everything
  // below it by force.
  void watch_parent(int pidfd, std::chrono::milliseconds grace, std::function<void()> on_death);

  // The process groups below this process, which kill_tree() kills.
  void add_group(pid_t group);
  void remove_group(pid_t group);
  // SIGKILL to all process groups below this process.
  void kill_tree();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tractor
