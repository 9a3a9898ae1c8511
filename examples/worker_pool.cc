// A pool of workers under a supervisor, with a queue in front. Every 200 ms one of them is killed, eight in all; no
// request is lost.
#include <tractor/tractor.h>

#include <csignal>
#include <iostream>
#include <set>

using namespace std::chrono_literals;

constexpr int kWorkers = 4;
constexpr int kRequests = 240;
constexpr int kKills = 8;

// The work: slow, and harmless when it is done twice.
std::int64_t square(std::int64_t number) {
  tractor::sleep(25ms);
  return number * number;
}

std::string name_of(int worker) { return "worker" + std::to_string(worker); }

// [serve]
// Passes requests on to one worker, whatever process that is at the moment.
void serve(tractor::Supervisor& supervisor, const std::string& worker, tractor::ReceiveChannel<std::int64_t> requests,
           tractor::SendChannel<std::int64_t> answers) {
  for (const std::int64_t request : requests) {
    while (true) {
      try {
        answers.send(supervisor.portal(worker).run(square, request));
        break;
      } catch (const tractor::RemoteActorError& error) {
        if (error.kind() != tractor::ErrorKind::unavailable) throw;  // else it died: the next one does it
      }
    }
  }
}
// [/serve]

// Kills one worker after the other, whatever it is doing.
void kill_workers(tractor::Supervisor& supervisor) {
  for (int killed = 0; killed < kKills;) {
    tractor::sleep(200ms);
    const tractor::SupervisedChild victim = supervisor.which_children().at(killed % kWorkers);
    if (!victim.pid) continue;  // it is being started just now
    kill(*victim.pid, SIGKILL);
    ++killed;
  }
}

void director() {
  // [pool]
  tractor::Supervisor supervisor({.intensity = 1000, .backoff = {.first = 0ms}});
  for (int i = 0; i < kWorkers; ++i) supervisor.add(name_of(i), {.modules = {"pool"}});

  auto [send_request, requests] = tractor::open_memory_channel<std::int64_t>(16);
  auto [send_answer, answers] = tractor::open_memory_channel<std::int64_t>(16);
  std::multiset<std::int64_t> received;
  tractor::open_nursery(supervisor, [&, &send_request = send_request, &requests = requests, &send_answer = send_answer,
                                     &answers = answers] {
    tractor::open_task_nursery([&](tractor::TaskNursery& tasks) {
      tasks.start_soon([&] { kill_workers(supervisor); });
      for (int i = 0; i < kWorkers; ++i) {
        tasks.start_soon([&, i, requests = requests.clone(), answers = send_answer.clone()]() mutable {
          serve(supervisor, name_of(i), std::move(requests), std::move(answers));
        });
      }
      tasks.start_soon([&] {
        for (std::int64_t i = 1; i <= kRequests; ++i) send_request.send(i);  // waits while the queue is full
        send_request.close();
      });
      send_answer.close();
      for (const std::int64_t answer : answers) received.insert(answer);
    });
  });
  // [/pool]

  std::int64_t sum = 0;
  for (const std::int64_t answer : received) sum += answer;
  std::cout << received.size() << " answers to " << kRequests << " requests, "
            << std::set<std::int64_t>(received.begin(), received.end()).size() << " of them different\n";
  std::cout << "the sum of their squares: " << sum << '\n';
  std::cout << kKills << " workers were killed meanwhile\n";
}

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("pool").def("square", square, "number");
  return program.main(director);
}
