// Limits of the machine, and strangers on an actor's socket: a clear error for whom it concerns, and everything else
// goes on.
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "listener.h"
#include "work.h"

namespace tractor::test {
namespace {

using Limits = TracedProcesses;

// --- strangers ---

// A connection to a unix socket ("unix:/path"), or a port of the loopback ("127.0.0.1:4711"), without gRPC.
class RawConnection {
 public:
  explicit RawConnection(const std::string& address) : descriptor_(connect_to(address)) {}
  RawConnection(RawConnection&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  RawConnection& operator=(RawConnection&&) = delete;
  ~RawConnection() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  void send(const std::string& bytes) const {
    static_cast<void>(::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  }
  // Whether the other side has closed it.
  bool closed() const {
    char buffer[4096];
    while (true) {
      const ssize_t count = recv(descriptor_, buffer, sizeof buffer, MSG_DONTWAIT);
      if (count <= 0) return count == 0 || errno != EAGAIN;
    }
  }

 private:
  int descriptor_;
};

const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
// A frame of HTTP/2 on stream 1, or 0 for the connection's own types.
std::string frame(char type, char flags, const std::string& payload) {
  const char stream = type == 4 ? 0 : 1;
  return std::string{0, 0, static_cast<char>(payload.size()), type, flags, 0, 0, 0, stream} + payload;
}

std::map<std::string, std::string> garbage() {
  std::string noise(64 << 10, '\0');
  for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<char>(i * 2654435761u >> 13);
  return {
      {"HTTP/1.1", "GET / HTTP/1.1\r\nHost: frank\r\n\r\n"},
      {"noise", noise},
      {"a preface, then noise", kPreface + noise},
      {"a frame that is too long", kPreface + frame(4, 0, "") + std::string("\xff\xff\xff\0\0\0\0\0\1", 9)},
      {"headers that are none", kPreface + frame(4, 0, "") + frame(1, 4, std::string(100, '\xff'))},
  };
}

TEST_F(Limits, A41_garbage_on_an_actors_socket_closes_that_connection_and_nothing_else) {
  with_daemon({.modules = {"work"}}, [&](Portal& frank) {
    CancelScope call;
    open_task_nursery([&](TaskNursery& tasks) {
      tasks.start_soon(
          [&] { call.run([&] { frank.run(until_cancelled, trace_.path(), "call"); }); });  // in flight all the time
      ASSERT_TRUE(trace_.comes("call begins"));
      for (const auto& [what, bytes] : garbage()) {
        const RawConnection stranger(frank.channel().address);
        stranger.send(bytes);
        EXPECT_TRUE(eventually([&] { return stranger.closed(); }, within(1s))) << what;
        EXPECT_EQ(frank.run(ping), "pong") << what;
      }
      EXPECT_FALSE(trace_.has("call ends"));
      call.cancel();
    });
    EXPECT_TRUE(call.cancelled_caught());
  });
}

int descriptor_count() { return static_cast<int>(open_descriptors().size()); }

TEST_F(Limits, A41_strangers_that_stay_silent_or_stop_in_the_middle_hold_nobody_up_and_leave_nothing) {
  with_daemon({.modules = {"work", "limits"}}, [&](Portal& frank) {
    const int before = frank.run(descriptor_count);
    const std::string beginning = kPreface + frame(4, 0, {0, 3, 0, 0, 0, 7});  // settings
    {
      std::vector<RawConnection> strangers;
      for (int i = 0; i < 100; ++i) {
        strangers.emplace_back(frank.channel().address);
        if (i % 2 == 1) strangers.back().send(beginning.substr(0, static_cast<std::size_t>(i) % beginning.size()));
      }
      EXPECT_TRUE(eventually([&] { return frank.run(descriptor_count) >= before + 50; }));
      EXPECT_EQ(frank.run(ping), "pong");
      EXPECT_EQ(wait_for_actor("frank").run(ping), "pong");  // a new connection
      for (const RawConnection& stranger : strangers) EXPECT_TRUE(eventually([&] { return stranger.closed(); }, 15s));
    }
    EXPECT_TRUE(eventually([&] { return frank.run(descriptor_count) <= before + 1; }, within(2s)))
        << before << " -> " << frank.run(descriptor_count);
  });
}

TEST_F(Limits, A41_garbage_and_silence_on_a_tcp_port_close_that_connection_and_nothing_else) {
  run({.modules = {"work"}, .listen = {"127.0.0.1:0"}, .insecure = true}, [] {
    const std::string address = query_actor("root")->addresses.at(1);
    const RawConnection silent(address);
    const RawConnection stops(address);
    stops.send(kPreface);
    for (const auto& [what, bytes] : garbage()) {
      const RawConnection stranger(address);
      stranger.send(bytes);
      EXPECT_TRUE(eventually([&] { return stranger.closed(); }, within(1s))) << what;
      EXPECT_EQ(find_actor("root")->run(ping), "pong") << what;
    }
    for (const RawConnection* stranger : {&silent, &stops})
      EXPECT_TRUE(eventually([&] { return stranger->closed(); }, 15s));
  });
}

TEST_F(Limits, a_connection_of_another_user_is_closed) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  with_daemon({.modules = {"work", "limits"}}, [](Portal& frank) {
    constexpr uid_t kNobody = 65534;
    to_thread([address = frank.channel().address] {
      // This thread's alone, as libc's seteuid() is not; with root's eyes for files, as the directory is root's.
      ASSERT_EQ(syscall(SYS_setresuid, -1, kNobody, -1), 0);
      setfsuid(0);
      const RawConnection stranger(address);
      EXPECT_EQ(syscall(SYS_setresuid, -1, 0, -1), 0);
      prctl(PR_SET_DUMPABLE, 1);  // as before: a leak checker looks at this process
      EXPECT_TRUE(eventually([&] { return stranger.closed(); }, 5s));
    });
    EXPECT_EQ(frank.run(ping), "pong");
  });
}

TEST_F(Limits, A41_garbage_on_the_arbiters_socket_is_no_harm_to_it) {
  run([&] {
    const std::string address = get_arbiter().channel().address;
    for (const std::string& bytes : {std::string("GET / HTTP/1.1\r\n\r\n"), kPreface + std::string(1000, '\xff')}) {
      const RawConnection stranger(address);
      stranger.send(bytes);
      EXPECT_TRUE(eventually([&] { return stranger.closed(); }, within(1s)));
      EXPECT_TRUE(find_actor("root"));
    }
  });
}

// --- descriptors ---
// Not under sanitizers, which need descriptors and threads of their own.
#ifndef TRACTOR_SANITIZED

void limit(decltype(RLIMIT_NOFILE) resource, rlim_t value) {
  rlimit limit{};
  getrlimit(resource, &limit);
  limit.rlim_cur = std::min(value, limit.rlim_max);
  if (setrlimit(resource, &limit) != 0) throw std::runtime_error("setrlimit failed");
}

std::string try_to_start_an_actor() {
  try {
    return open_nursery([](ActorNursery& n) {
      Portal portal = n.start_actor("frank", {.modules = {"work"}});
      std::string answer = portal.run(ping);
      portal.cancel_actor();
      return answer;
    });
  } catch (const std::exception& e) {
    return e.what();
  }
}

// Runs out of descriptors at every step of a start; then has some again.
TRACTOR_SCENARIO(spare_descriptors) {
  return program->main([] {
    const auto highest = static_cast<rlim_t>(open_descriptors().rbegin()->first);
    for (rlim_t spare = 0; spare < 24; ++spare) {
      limit(RLIMIT_NOFILE, highest + 1 + spare);
      const std::string outcome = try_to_start_an_actor();
      limit(RLIMIT_NOFILE, RLIM_INFINITY);
      std::cout << spare << ": " << outcome << "\n---\n";
    }
    std::cout << "finally " << try_to_start_an_actor() << std::endl;
  });
}

TEST_F(Limits, A42_a_start_without_enough_descriptors_is_a_clear_error_and_the_next_one_with_enough_works) {
  Process root = Process::as("spare_descriptors");
  EXPECT_EQ(root.wait(within(30s)), Exit{}) << root.err();
  const std::string out = root.out();
  EXPECT_TRUE(contains(out, "finally pong"));
  EXPECT_TRUE(contains(out.substr(0, out.find("---")), "Too many open files"));
  for (std::size_t at = 0; out.find("---\n", at) != std::string::npos; at = out.find("---\n", at) + 4) {
    const std::string outcome = out.substr(at, out.find("---\n", at) - at);
    EXPECT_TRUE(contains(outcome, "Too many open files") || contains(outcome, "before it served") ||
                contains(outcome, "pong"));
  }
}

// A root that has few descriptors from the beginning, and its children, too.
TRACTOR_SCENARIO(few_descriptors) {
  limit(RLIMIT_NOFILE, std::stoul(arguments[0]));
  return program->main([] {
    open_nursery([](ActorNursery& n) {
      for (int i = 0; i < 8; ++i) n.start_actor("actor").cancel_actor();
      for (int i = 0; i < 8; ++i) n.start_actor("actor");
      n.cancel();
    });
    std::cout << "done" << std::endl;
  });
}

TEST_F(Limits, A42_a_program_with_too_few_descriptors_ends_with_a_clear_error_and_leaves_nothing) {
  for (int descriptors : {16, 24, 32, 40, 48, 64, 128}) {
    SCOPED_TRACE(std::to_string(descriptors) + " descriptors");
    Process root = Process::as("few_descriptors", {std::to_string(descriptors)});
    const std::optional<Exit> exit = root.wait(within(10s));
    ASSERT_TRUE(exit) << root.err();
    if (root.out() == "done\n") {
      EXPECT_EQ(exit, Exit{}) << root.err();
    } else {
      EXPECT_EQ(exit->signal, 0) << root.err();
      EXPECT_NE(exit->code, 0) << root.err();
      EXPECT_TRUE(contains(root.err(), "Too many open files") || contains(root.err(), "descriptors"));
    }
    EXPECT_TRUE(eventually([&] { return reap_orphans(), descendants().empty(); }, within(3s)));
  }
}

// --- processes ---

// As a user who has no other processes: starts actors until the limit binds.
TRACTOR_SCENARIO(few_processes) {
  return program->main([&] {
    limit(RLIMIT_NPROC, std::stoul(arguments[0]));
    open_nursery([](ActorNursery& n) {
      for (int i = 0; i < 100; ++i) n.start_actor("actor");
    });
  });
}

TEST_F(Limits, A42_out_of_processes_is_a_clear_error_and_the_nursery_closes) {
  constexpr const char* kNobody = "65534";
  if (geteuid() != 0) GTEST_SKIP() << "only root can become a user whom the limit binds";
  const ScratchDirectory directory;
  ASSERT_EQ(chmod(directory.path().c_str(), 0755), 0);
  const std::string binary = directory / "program";  // this one may be in a place where others may not go
  std::filesystem::copy_file(own_binary(), binary);
  const std::string theirs = directory / "runtime";
  ASSERT_EQ(mkdir(theirs.c_str(), 0700), 0);
  ASSERT_EQ(chown(theirs.c_str(), 65534, 65534), 0);
  // The numbers are for threads: a root and an actor have several each.
  for (const char* processes : {"1", "8", "12", "16", "20", "30", "40"}) {
    SCOPED_TRACE(std::string("at most ") + processes);
    Process root({"/usr/bin/setpriv", "--reuid", kNobody, "--regid", kNobody, "--clear-groups", binary, "--as",
                  "few_processes", processes},
                 {"TRACTOR_RUNTIME_DIR=" + theirs});
    EXPECT_EQ(root.wait(within(20s)), Exit{.code = 1}) << root.err();
    EXPECT_TRUE(contains(root.err(), "Resource temporarily unavailable") || contains(root.err(), "before it served"));
    EXPECT_EQ(root.err().find(": killed"), std::string::npos) << root.err();  // those that serve end by themselves
    EXPECT_TRUE(eventually([&] { return reap_orphans(), descendants().empty(); }, within(3s)));
    EXPECT_EQ(left_in(theirs), std::vector<std::string>());
  }
}
#endif

void define(Program& program) {
  define_work(program);
  program.module("limits").def("descriptor_count", descriptor_count);
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
