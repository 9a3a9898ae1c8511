// Another host, as a network namespace: a bridge in this process' own namespace, and behind it a host whose cable can
// be pulled. Needs to be root.
//
// The namespaces go with their processes. Addresses: here 10.0.0.1, there 10.0.0.2, or others of 10.0.0.0/24.
#pragma once

#include <sched.h>

#include "harness.h"
#include "trace.h"
#include "waiting.h"

namespace tractor::test {

inline void enter_new_network() {
  if (unshare(CLONE_NEWNET) != 0) throw std::runtime_error("cannot make a network namespace: run the tests as root");
}
inline void ip(const std::string& arguments) {
  const std::string command = "ip " + arguments;
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

// Files that another host would not see.
inline void hide_unix_sockets(const std::string& runtime_directory) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(runtime_directory)) {
    if (entry.path().extension() == ".sock") std::filesystem::remove(entry.path());
  }
}

// In a scenario: become a far host, whose cable is plugged in by FarHost.
inline void become_far_host(const std::string& address = "10.0.0.2") {
  enter_new_network();
  std::cout << "unplugged" << std::endl;
  while (std::system("ip link show far >/dev/null 2>&1") != 0) std::this_thread::sleep_for(10ms);
  ip("link set lo up");
  ip("addr add " + address + "/24 dev far");
  ip("link set far up");
}

// This end, for the rest of this process. Before it has other threads, which would stay where they are: a base of the
// fixture that comes first.
class NearHost {
 protected:
  NearHost() {
    static const bool once = [] {
      enter_new_network();
      ip("link set lo up");
      ip("link add bridge type bridge");
      ip("addr add 10.0.0.1/24 dev bridge");
      ip("link set bridge up");
      return true;
    }();
    static_cast<void>(once);
  }
};

class FarHost {
 public:
  // Starts `scenario` there, which calls become_far_host() first and prints "serving" when it serves. `cable`: what
  // its cable is called here.
  FarHost(const std::string& scenario, const std::vector<std::string>& arguments, std::string cable = "near")
      : cable_(std::move(cable)),
        process_(Process::as(scenario, arguments, {"TRACTOR_RUNTIME_DIR=" + runtime_directory_.path()})) {
    if (!process_.prints("unplugged")) throw std::runtime_error("no far host: " + process_.err());
    ip("link add " + cable_ + " type veth peer name far netns " + std::to_string(process_.pid()));
    ip("link set " + cable_ + " up");
    plug_in();
    if (!process_.prints("serving")) throw std::runtime_error("the far host does not serve: " + process_.err());
    hide_unix_sockets(runtime_directory_.path());
  }
  ~FarHost() {
    process_.signal(SIGCONT);
    process_.signal(SIGKILL);
    process_.wait();
    static_cast<void>(std::system(("ip link del " + cable_ + " 2>/dev/null").c_str()));
  }

  // Nothing gets through any more, in either direction, and neither end is told.
  void pull_out() { ip("link set " + cable_ + " nomaster"); }
  void plug_in() { ip("link set " + cable_ + " master bridge"); }
  Process& process() { return process_; }

 private:
  ScratchDirectory runtime_directory_;
  std::string cable_;
  Process process_;
};

// --- what runs there ---

inline int answer_after(Clock::duration delay) {
  tractor::sleep(delay);
  return 42;
}
// In one turn of the loop.
inline int compute_for(Clock::duration time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
  return 42;
}
inline void count_up(Yield<int>& yield) {
  for (int i = 0; i < 3; ++i) yield(i);
  sleep_forever();
}

// Of an actor that it finds by its name; -1 when there is none.
inline int answer_of(const std::string& name) {
  std::optional<Portal> other = find_actor(name);
  return other ? other->run(answer_after, 0s) : -1;
}

inline void define(Program& p) {
  p.module("hosts")
      .def("wait_forever", wait_forever)
      .def("count_ended_by_cancel", count_ended_by_cancel)
      .def("answer_after", answer_after)
      .def("compute_for", compute_for)
      .def("count_up", count_up)
      .def("answer_of", answer_of);
}

// An arbiter, and an actor, on a host of their own.
// The argument: what RunOptions.unreachable_after is, in ms.
TRACTOR_SCENARIO(far) {
  become_far_host();
  return program->main({.name = "far",
                        .arbiter = "10.0.0.2:1616",
                        .modules = {"hosts"},
                        .listen = {"10.0.0.2:1617"},
                        .insecure = true,
                        .unreachable_after = std::chrono::milliseconds(std::stoll(arguments.at(0)))},
                       [] {
                         std::cout << "serving" << std::endl;
                         sleep_forever();
                       });
}

// tractor-arbiter there, with this --ttl. It becomes this process, so that it goes with it; it serves soon.
TRACTOR_SCENARIO(far_arbiter) {
  become_far_host();
  std::cout << "serving" << std::endl;
  const std::string program = built_binary("arbiter/tractor-arbiter");
  execl(program.c_str(), program.c_str(), "--insecure", "--listen", "10.0.0.2:1616", "--ttl", arguments.at(0).c_str(),
        nullptr);
  return 1;
}
// Joins that arbiter, from the near host, until a signal ends it.
TRACTOR_SCENARIO(joins_from_near) {
  return program->main({.name = "near", .arbiter = "10.0.0.2:1616", .listen = {"10.0.0.1:0"}, .insecure = true}, [] {
    std::cout << "joined" << std::endl;
    sleep_forever();
  });
}

TRACTOR_SCENARIO(leads_from_near) {
  return program->main(
      {.name = "near", .exclusive_name = true, .arbiter = "10.0.0.2:1616", .insecure = true, .unreachable_after = 1s},
      [] {
        std::cout << "leads" << std::endl;
        sleep_forever();
      });
}

// Calls the far actor for ever.
TRACTOR_SCENARIO(calls_far) {
  return program->main({.name = "caller",
                        .arbiter = "10.0.0.2:1616",
                        .insecure = true,
                        .unreachable_after = std::chrono::milliseconds(std::stoll(arguments.at(0)))},
                       [] {
                         open_task_nursery([](TaskNursery& t) {
                           t.start_soon([] { find_actor("far").value().run(wait_forever); });
                           while (find_actor("far").value().run(answer_after, 0s) != 42) {
                           }
                           std::cout << "calls" << std::endl;
                         });
                       });
}

class Hosts : private NearHost, public RealProcesses {
 protected:
  explicit Hosts(Clock::duration limit = 3s) : limit_(limit) {}
  void TearDown() override {
    host_.reset();
    RealProcesses::TearDown();
  }

  void with_far_actor(const std::function<void(Portal& far)>& body) {
    keeps_descriptors();  // what was cut off closes later
    run({.arbiter = "10.0.0.2:1616", .insecure = true, .unreachable_after = limit_}, [&] {
      Portal far = find_actor("far").value();
      EXPECT_EQ(far.channel().address, "10.0.0.2:1617");
      body(far);
    });
  }
  // How long it took `f` to fail, because the far actor cannot be reached.
  static std::chrono::nanoseconds time_to_fail(const std::function<void()>& f) {
    const auto start = monotonic_now();
    const RemoteActorError error = remote_error(f);
    EXPECT_EQ(error.kind(), ErrorKind::unavailable) << error.what();
    EXPECT_TRUE(contains(error.what(), "far"));
    return monotonic_now() - start;
  }
  static bool works_again(Portal& far) {
    return eventually([&] {
      try {
        return far.run(answer_after, 0s) == 42;
      } catch (const RemoteActorError&) {
        return false;
      }
    });
  }

  Clock::duration limit_;
  std::unique_ptr<FarHost> host_ = std::make_unique<FarHost>("far", std::vector{std::to_string(limit_ / 1ms)});
};

}  // namespace tractor::test
