// What Prometheus is told by an arbiter and by actors: over real processes, checked by Prometheus' own tools.
#include <fstream>

#include "harness.h"
#include "http.h"

namespace tractor::test {
namespace {

std::string hi() { return "Hi my name is " + current_actor().name(); }
void fail() { throw std::runtime_error("no"); }
void count(Yield<int>& yield) {
  for (int i = 0;; ++i) yield(i);
}
void crash() { _exit(3); }
void define(Program& p) { p.module("scene").def("hi", hi).def("fail", fail).def("count", count).def("crash", crash); }

class MetricsTest : public RealProcesses {
 protected:
  static std::string scrape(const std::string& address) { return http_get(address, "/metrics"); }
  // Whether it says so now, or soon.
  static testing::AssertionResult says(const std::string& address, const std::string& line) {
    std::string text;
    if (eventually([&] { return (text = scrape(address)).find(line + "\n") != std::string::npos; }, 5s * kSlowness))
      return testing::AssertionSuccess();
    return testing::AssertionFailure() << "no line " << line << " in " << text;
  }
  // An arbiter that serves metrics, and where it does.
  Process arbiter() {
    Process process({built_binary("arbiter/tractor-arbiter"), "--listen", socket_, "--metrics", "127.0.0.1:0"});
    EXPECT_TRUE(process.prints("metrics on port ")) << process.err();
    const std::string start = "metrics on port ";
    const std::string out = process.out();
    const std::size_t begin = out.find(start) + start.size();
    metrics_ = "127.0.0.1:" + out.substr(begin, out.find('\n', begin) - begin);
    return process;
  }
  static void expect_to_end(Process& process) {
    process.signal(SIGTERM);
    EXPECT_EQ(process.wait(), Exit{.code = 0}) << process.err();
    EXPECT_EQ(process.err(), "");
  }
  void TearDown() override {
    unsetenv("TRACTOR_METRICS");
    RealProcesses::TearDown();
  }

  ScratchDirectory scratch_;
  const std::string socket_ = "unix:" + scratch_ / "a.sock";
  std::string metrics_;
};

TEST_F(MetricsTest, an_arbiter_counts_registrations_and_finds) {
  Process process = arbiter();
  EXPECT_TRUE(says(metrics_, "tractor_arbiter_registrations 0"));
  run({.arbiter = socket_}, [&] {
    EXPECT_TRUE(says(metrics_, "tractor_arbiter_registrations 1"));
    open_nursery([&](ActorNursery& n) {
      n.start_actor("frank");
      EXPECT_TRUE(says(metrics_, "tractor_arbiter_registrations 2"));
      EXPECT_TRUE(find_actor("frank"));
      EXPECT_FALSE(find_actor("nobody"));
      EXPECT_TRUE(says(metrics_, "tractor_arbiter_finds_total 2"));
      n.cancel();
    });
    EXPECT_TRUE(says(metrics_, "tractor_arbiter_registrations 1"));
  });
  EXPECT_TRUE(says(metrics_, "tractor_arbiter_registrations 0"));
  expect_to_end(process);
}

TEST_F(MetricsTest, an_arbiter_counts_leases_watchers_their_lag_and_events) {
  Process process = arbiter();
  run({.arbiter = socket_}, [&] {
    EXPECT_TRUE(says(metrics_, "tractor_arbiter_leases 1"));
    EXPECT_TRUE(says(metrics_, "tractor_arbiter_watchers 0"));
    EXPECT_TRUE(says(metrics_, "tractor_arbiter_ledger_events_total 1"));  // the root serves
    open_task_nursery([&](TaskNursery& tasks) {
      const Directory directory(tasks);
      EXPECT_TRUE(says(metrics_, "tractor_arbiter_watchers 1"));
      EXPECT_TRUE(says(metrics_, "tractor_arbiter_watch_lag_seconds_count 0"));
      open_nursery([&](ActorNursery& n) {
        n.start_actor("frank");
        EXPECT_TRUE(says(metrics_, "tractor_arbiter_watch_lag_seconds_count 1"));
        EXPECT_TRUE(says(metrics_, R"(tractor_arbiter_watch_lag_seconds_bucket{le="10"} 1)"));
        n.cancel();
      });
      EXPECT_TRUE(says(metrics_, "tractor_arbiter_watch_lag_seconds_count 2"));
      EXPECT_TRUE(says(metrics_, "tractor_arbiter_ledger_events_total 5"));  // and frank's life
    });
    EXPECT_TRUE(says(metrics_, "tractor_arbiter_watchers 0"));
  });
  EXPECT_TRUE(says(metrics_, "tractor_arbiter_leases 0"));
  expect_to_end(process);
}

TEST_F(MetricsTest, actors_count_their_calls_by_function_and_code_links_and_streams) {
  setenv("TRACTOR_METRICS", "127.0.0.1:0", 1);
  run([&] {
    open_nursery([&](ActorNursery& n) {
      Portal frank = n.start_actor("frank", {.modules = {"scene"}});
      const std::string of_frank = query_actor("frank")->labels.at("metrics");
      EXPECT_NE(of_frank, query_actor("root")->labels.at("metrics"));
      for (int i = 0; i < 3; ++i) frank.run(hi);
      remote_error([&] { frank.run(fail); });
      remote_error([&] { frank.run("scene.nothing"); });
      remote_error([&] { frank.run("secret.of_someone"); });
      EXPECT_TRUE(says(of_frank, R"(tractor_calls_total{code="OK",function="scene.hi"} 3)"));
      EXPECT_TRUE(says(of_frank, R"(tractor_calls_total{code="UNKNOWN",function="scene.fail"} 1)"));
      EXPECT_TRUE(says(of_frank, R"(tractor_calls_total{code="NOT_FOUND",function=""} 2)"));  // no labels of callers'
      EXPECT_TRUE(says(of_frank, R"(tractor_call_duration_seconds_count{function="scene.hi"} 3)"));
      EXPECT_TRUE(says(of_frank, "tractor_links 1"));
      {
        Stream<int> numbers = frank.run(count);
        EXPECT_EQ(*numbers.begin(), 0);
        EXPECT_TRUE(says(of_frank, "tractor_streams 1"));
      }
      EXPECT_TRUE(says(of_frank, "tractor_streams 0"));
      EXPECT_TRUE(says(of_frank, R"(tractor_calls_total{code="CANCELLED",function="scene.count"} 1)"));
      n.cancel();
    });
  });
}

TEST_F(MetricsTest, a_supervisor_counts_restarts) {
  setenv("TRACTOR_METRICS", "127.0.0.1:0", 1);
  run([&] {
    const std::string of_root = query_actor("root")->labels.at("metrics");
    Supervisor supervisor({.intensity = 5});
    supervisor.add("frank", {.modules = {"scene"}});
    open_nursery(supervisor, [&] {
      remote_error([&] { supervisor.portal("frank").run(crash); });
      EXPECT_TRUE(says(of_root, "tractor_restarts_total 1"));
    });
  });
}

TEST_F(MetricsTest, a_port_of_ones_own_is_the_roots) {
  setenv("TRACTOR_METRICS", "127.0.0.1:0", 1);
  std::string port;
  run([&] { port = query_actor("root")->labels.at("metrics"); });
  setenv("TRACTOR_METRICS", port.c_str(), 1);
  run([&] {
    open_nursery([&](ActorNursery& n) {
      n.start_actor("frank");
      EXPECT_EQ(query_actor("root")->labels.at("metrics"), port);
      EXPECT_FALSE(query_actor("frank")->labels.contains("metrics"));
      n.cancel();
    });
  });
}

TEST_F(MetricsTest, an_address_that_is_none_is_a_usage_error) {
  setenv("TRACTOR_METRICS", "unix:/nowhere", 1);
  EXPECT_TRUE(contains(usage_error([&] { run([] {}); }), "TRACTOR_METRICS: metrics are served on HOST:PORT"));
  Process process({built_binary("arbiter/tractor-arbiter"), "--listen", socket_, "--metrics", "nonsense"});
  EXPECT_EQ(process.wait(), Exit{.code = 2});
  EXPECT_TRUE(contains(process.err(), "\"nonsense\""));
}

TEST_F(MetricsTest, promtool_finds_nothing_wrong) {
  if (!std::filesystem::exists("/usr/bin/promtool")) GTEST_SKIP() << "there is no promtool here";
  Process process = arbiter();
  const std::string text = scrape(metrics_);
  std::ofstream(scratch_ / "metrics") << text.substr(text.find("\r\n\r\n") + 4);
  Process check({"/bin/sh", "-c", "exec /usr/bin/promtool check metrics < " + scratch_ / "metrics"});
  EXPECT_EQ(check.wait(), Exit{.code = 0}) << check.out() << check.err();
  EXPECT_EQ(check.err(), "");
  expect_to_end(process);
}

// A port that was free just now; Prometheus takes no 0.
std::string free_port() {
  boost::asio::io_context io;
  const boost::asio::ip::tcp::acceptor taken(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
  return std::to_string(taken.local_endpoint().port());
}

TEST_F(MetricsTest, a_real_prometheus_scrapes_them) {
  if (!std::filesystem::exists("/usr/bin/prometheus")) GTEST_SKIP() << "there is no prometheus here";
  Process process = arbiter();
  std::ofstream(scratch_ / "prometheus.yml") << "scrape_configs:\n- job_name: tractor\n  scrape_interval: 200ms\n"
                                                "  scrape_timeout: 200ms\n  static_configs:\n  - targets: ['"
                                             << metrics_ << "']\n";
  run({.arbiter = socket_}, [&] {
    const std::string address = "127.0.0.1:" + free_port();
    Process prometheus({"/usr/bin/prometheus", "--config.file=" + scratch_ / "prometheus.yml",
                        "--storage.tsdb.path=" + scratch_ / "data", "--web.listen-address=" + address});
    const auto ask = [&](const std::string& query) -> std::string {
      try {
        return http_get(address, "/api/v1/query?query=" + query);
      } catch (const std::exception&) {
        return "";  // it does not listen yet
      }
    };
    const auto value = [&](const std::string& query, const std::string& of) {
      const std::string answer = ask(query);
      return answer.find("\"job\":\"tractor\"") != std::string::npos &&
             answer.find(",\"" + of + "\"]") != std::string::npos;
    };
    EXPECT_TRUE(eventually([&] { return value("up", "1"); }, 30s)) << ask("up") << prometheus.err();
    EXPECT_TRUE(eventually([&] { return value("tractor_arbiter_registrations", "1"); }, 10s));
    prometheus.signal(SIGTERM);
    EXPECT_EQ(prometheus.wait(), Exit{.code = 0}) << prometheus.err();
  });
  expect_to_end(process);
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define)
