#include "runtime/metrics/metrics_server.h"

#include <fcntl.h>
#include <pthread.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <thread>

#include "runtime/log.h"
#include "runtime/metrics/metrics.h"
#include "runtime/task/blocked_signals.h"
#include "runtime/task/error.h"

namespace tractor::metrics {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::chrono::seconds kTimeout(10);
constexpr int kMaxConnections = 32;
constexpr std::uint32_t kMaxHeaderBytes = 8192;

http::response<http::string_body> answer_to(const http::request<http::empty_body>& request) {
  http::response<http::string_body> response;
  response.version(request.version());
  response.keep_alive(false);
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    response.result(http::status::method_not_allowed);
    response.set(http::field::allow, "GET, HEAD");
    response.body() = "metrics are only to be read\n";
  } else if (const auto target = request.target(); target.substr(0, target.find('?')) != "/metrics") {
    response.result(http::status::not_found);
    response.body() = "there is only /metrics here\n";
  } else {
    response.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
    response.body() = as_text();
  }
  response.prepare_payload();
  if (request.method() == http::verb::head) response.body().clear();
  return response;
}

// One connection: one question and its answer. Keeps itself until both are through.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::ip::tcp::socket socket, int& open) : stream_(std::move(socket)), open_(open) { ++open_; }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { --open_; }

  void serve() {
    parser_.header_limit(kMaxHeaderBytes);
    parser_.body_limit(0);
    stream_.expires_after(kTimeout);
    http::async_read(stream_, buffer_, parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (!error) self->answer();
    });
  }

 private:
  void answer() {
    response_ = answer_to(parser_.get());
    http::async_write(stream_, response_, [self = shared_from_this()](error_code, std::size_t) {
      error_code ignored;
      self->stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    });
  }

  beast::tcp_stream stream_;
  int& open_;
  beast::flat_buffer buffer_;
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> response_;
};

}  // namespace

struct MetricsServer::State {
  int open_connections = 0;
  asio::io_context io{1};
  asio::ip::tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
  std::thread thread;

  void accept_next() {
    acceptor.async_accept([this](error_code error, asio::ip::tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) {  // out of descriptors, say: it will not be better at once
        log::debug("metrics: cannot accept a connection: " + error.message());
        pause.expires_after(std::chrono::seconds(1));
        return pause.async_wait([this](error_code cancelled) {
          if (!cancelled) accept_next();
        });
      }
      fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
      if (open_connections < kMaxConnections)
        std::make_shared<Connection>(std::move(socket), open_connections)->serve();
      accept_next();
    });
  }
};

MetricsServer::MetricsServer(const std::string& host, int port) : state_(std::make_unique<State>()) {
  enable();
  try {
    const auto endpoints = asio::ip::tcp::resolver(state_->io).resolve(host, std::to_string(port));
    const asio::ip::tcp::endpoint endpoint = *endpoints.begin();
    state_->acceptor.open(endpoint.protocol());
    fcntl(state_->acceptor.native_handle(), F_SETFD, FD_CLOEXEC);  // not for what this program starts
    state_->acceptor.set_option(asio::socket_base::reuse_address(true));
    state_->acceptor.bind(endpoint);
    state_->acceptor.listen();
  } catch (const boost::system::system_error& e) {
    throw UsageError("cannot serve metrics on " + host + ":" + std::to_string(port) + ": " + e.code().message());
  }
  state_->accept_next();
  const BlockedSignals blocked;
  state_->thread = std::thread([this] {
    pthread_setname_np(pthread_self(), "metrics");
    state_->io.run();
  });
}

MetricsServer::~MetricsServer() {
  state_->io.stop();
  state_->thread.join();
}

int MetricsServer::port() const { return state_->acceptor.local_endpoint().port(); }

}  // namespace tractor::metrics
