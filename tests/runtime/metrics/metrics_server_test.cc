#include "runtime/metrics/metrics_server.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "runtime/metrics/metrics.h"
#include "runtime/task/error.h"
#include "tests/integration/http.h"

namespace tractor::metrics {
namespace {

using test::http_get;
using test::send_request;

std::string address_of(const MetricsServer& server) { return "127.0.0.1:" + std::to_string(server.port()); }

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(MetricsServer, what_is_counted_can_be_read) {
  EXPECT_FALSE(enabled());
  count(Counter::finds);  // before: it goes nowhere
  const MetricsServer server("127.0.0.1", 0);
  EXPECT_TRUE(enabled());
  count(Counter::finds);
  count(Counter::restarts);
  count(Counter::restarts);
  set(Gauge::registrations, 7);
  call_ended("scene.hi", "OK", std::chrono::milliseconds(3));
  call_ended("scene.hi", "OK", std::chrono::seconds(20));
  call_ended("scene.\"hi\"", "UNKNOWN", std::chrono::nanoseconds(1));
  std::string text;
  {
    const Held link(Gauge::links);
    const Held none(Gauge::streams, false);
    text = http_get(address_of(server), "/metrics");
  }
  EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK\r\n")) << text;
  for (const char* line : {
           "tractor_arbiter_finds_total 1\n",
           "tractor_restarts_total 2\n",
           "tractor_arbiter_registrations 7\n",
           "tractor_links 1\n",
           "tractor_streams 0\n",
           "tractor_calls_total{code=\"OK\",function=\"scene.hi\"} 2\n",
           "tractor_calls_total{code=\"UNKNOWN\",function=\"scene.\\\"hi\\\"\"} 1\n",
           "tractor_call_duration_seconds_count{function=\"scene.hi\"} 2\n",
           "tractor_call_duration_seconds_bucket{function=\"scene.hi\",le=\"0.0025\"} 0\n",
           "tractor_call_duration_seconds_bucket{function=\"scene.hi\",le=\"0.005\"} 1\n",
           "tractor_call_duration_seconds_bucket{function=\"scene.hi\",le=\"+Inf\"} 2\n",
       }) {
    EXPECT_TRUE(has(text, line)) << line << text;
  }
  EXPECT_TRUE(has(http_get(address_of(server), "/metrics?name=up"), "tractor_links 0\n"));
}

TEST(MetricsServer, what_it_does_not_serve_is_an_http_error) {
  const MetricsServer server("127.0.0.1", 0);
  const std::string address = address_of(server);
  EXPECT_TRUE(http_get(address, "/").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(http_get(address, "/metricsx").starts_with("HTTP/1.1 404 "));
  const std::string refused = send_request(address, "DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 405 "));
  EXPECT_TRUE(has(refused, "Allow: GET, HEAD\r\n"));
  const std::string head = send_request(address, "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n")) << head;
  // No HTTP, a header without end, a body: the connection is closed.
  EXPECT_EQ(send_request(address, "nonsense\r\n\r\n"), "");
  EXPECT_EQ(send_request(address, "GET /metrics HTTP/1.1\r\nX: " + std::string(100'000, 'x')), "");
  EXPECT_EQ(send_request(address, "POST /metrics HTTP/1.1\r\nContent-Length: 9\r\n\r\ntoo much."), "");
  EXPECT_TRUE(http_get(address, "/metrics").starts_with("HTTP/1.1 200 OK"));
}

TEST(MetricsServer, connections_that_say_nothing_do_not_pile_up_and_when_they_go_others_are_served) {
  const MetricsServer server("127.0.0.1", 0);
  boost::asio::io_context io;
  {
    std::vector<boost::asio::ip::tcp::socket> silent;
    for (int i = 0; i < 40; ++i) silent.push_back(test::connect_to(io, address_of(server)));
    EXPECT_EQ(http_get(address_of(server), "/metrics"), "");
  }
  std::string answer;
  for (int i = 0; i < 1000 && answer.empty(); ++i) answer = http_get(address_of(server), "/metrics");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK"));
}

TEST(MetricsServer, where_it_cannot_listen_is_an_error_that_says_why) {
  const MetricsServer server("127.0.0.1", 0);
  const auto error = [](const std::string& host, int port) -> std::string {
    try {
      const MetricsServer another(host, port);
    } catch (const UsageError& e) {
      return e.what();
    }
    return "none";
  };
  EXPECT_EQ(error("127.0.0.1", server.port()),
            "cannot serve metrics on " + address_of(server) + ": Address already in use");
  EXPECT_TRUE(has(error("192.0.2.1", 0), "cannot serve metrics on 192.0.2.1:0: "));
}

}  // namespace
}  // namespace tractor::metrics
