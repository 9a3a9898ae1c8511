// Tasks of one actor: nurseries, scopes, deadlines, channels. No other process is started.
#include <tractor/tractor.h>

#include <iostream>
#include <mutex>

using namespace std::chrono_literals;

void say(const std::string& line) { std::cout << line << '\n'; }

void nurseries() {
  // [nursery]
  tractor::open_task_nursery([](tractor::TaskNursery& nursery) {
    nursery.start_soon([] { say("a task runs at the next checkpoint"); });
    nursery.start_soon(say, "arguments are copied into it");
    say("the body goes first");
  });
  say("all of them have ended");
  // [/nursery]
}

void failures() {
  // [failure]
  try {
    tractor::open_task_nursery([](tractor::TaskNursery& nursery) {
      nursery.start_soon([] {
        try {
          tractor::sleep_forever();
        } catch (...) {  // clean up, then let it pass: a scope outside waits for it
          say("the first was cancelled");
          throw;
        }
      });
      nursery.start_soon([] { throw std::runtime_error("the second failed"); });
    });
  } catch (const std::runtime_error& error) {
    say(error.what());
  }
  // [/failure]
}

void groups() {
  // [group]
  try {
    tractor::open_task_nursery([](tractor::TaskNursery& nursery) {
      nursery.start_soon([] { throw std::out_of_range("one"); });
      nursery.start_soon([] { throw std::invalid_argument("two"); });
    });
  } catch (const tractor::ExceptionGroup& group) {
    const auto [handled, rest] = group.split<std::out_of_range>();
    say("handled: " + tractor::describe(handled) + ", left: " + tractor::describe(rest));
  }
  // [/group]
}

void scopes() {
  // [move_on]
  const tractor::CancelScope scope = tractor::move_on_after(10ms, [] { tractor::sleep(1h); });
  if (scope.cancelled_caught()) say("moved on");
  // [/move_on]

  // [fail_after]
  const int answer = tractor::fail_after(1s, [] {
    tractor::checkpoint();
    return 42;
  });
  say("in time: " + std::to_string(answer));
  // [/fail_after]

  // [shield]
  tractor::CancelScope outer;
  outer.run([&] {
    outer.cancel();
    tractor::CancelScope shield({.deadline = tractor::Clock::now() + 1s, .shield = true});
    shield.run([] {
      tractor::sleep(1ms);  // the cancellation outside does not reach in
      say("cleaned up");
    });
    tractor::checkpoint();  // throws Cancelled, which `outer` catches
    say("never printed");
  });
  // [/shield]
}

// [server]
void serve(tractor::TaskStatus<int>& status) {
  const int port = 1616;     // imagine a socket that is bound here
  status.started(port);      // start() returns this to its caller
  tractor::sleep_forever();  // and serves until it is cancelled
}
// [/server]

void start() {
  // [start]
  tractor::open_task_nursery([](tractor::TaskNursery& nursery) {
    const int port = nursery.start<int>(serve);
    say("serves on " + std::to_string(port));
    nursery.cancel_scope().cancel();
  });
  // [/start]
}

void channels() {
  // [channel]
  auto [send, receive] = tractor::open_memory_channel<int>(2);
  tractor::open_task_nursery([&send = send, &receive = receive](tractor::TaskNursery& nursery) {
    nursery.start_soon(
        [](tractor::SendChannel<int> out) {
          for (int i = 1; i <= 4; ++i) out.send(i);  // waits while two are on their way
        },                                           // the task ends, and its end of the channel closes
        std::move(send));
    int sum = 0;
    for (const int item : receive) sum += item;
    say("received " + std::to_string(sum));
  });
  // [/channel]
}

void sharing() {
  // [lock]
  tractor::Lock lock;
  int busy = 0;
  int most = 0;
  tractor::open_task_nursery([&](tractor::TaskNursery& nursery) {
    for (int i = 0; i < 3; ++i) {
      nursery.start_soon([&] {
        const std::scoped_lock holding(lock);  // it is Lockable; a std::mutex would stop the whole actor
        most = std::max(most, ++busy);
        tractor::checkpoint();
        --busy;
      });
    }
  });
  say("at most " + std::to_string(most) + " at a time");
  // [/lock]

  // [thread]
  const int sum = tractor::to_thread([] {  // for what would block the loop
    int total = 0;
    for (int i = 0; i < 1000; ++i) total += i;
    return total;
  });
  say("a thread found " + std::to_string(sum));
  // [/thread]
}

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  return program.main([] {
    nurseries();
    failures();
    groups();
    scopes();
    start();
    channels();
    sharing();
  });
}
