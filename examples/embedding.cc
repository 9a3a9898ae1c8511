// A service with a main loop, a listening port and signal handling of its own (Boost.Asio's here) that lets actors do
// its work. Its loop never waits for an actor: a pool of threads hands requests to the embedded actor and waits.
//   embedding          serves, asks itself three questions over TCP, and ends
#include <tractor/tractor.h>

#include <boost/asio.hpp>
#include <iostream>
#include <thread>

namespace asio = boost::asio;
using boost::asio::ip::tcp;

std::string square(int number) { return std::to_string(number * number) + ", says " + tractor::current_actor().name(); }

// One line with a number, one line with the answer.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, asio::thread_pool& pool, tractor::Embedded& actors)
      : socket_(std::move(socket)), pool_(pool), actors_(actors) {}

  void serve() {
    asio::async_read_until(socket_, asio::dynamic_buffer(line_), '\n',
                           [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                             if (!error) asio::post(self->pool_, [self] { self->answer(); });
                           });
  }

 private:
  void answer() {  // on a thread of the pool
    try {
      const int number = std::stoi(line_);
      line_ = actors_.run([&] { return tractor::find_actor("mathematician").value().run(square, number); });
    } catch (const std::exception& e) {
      line_ = e.what();
    }
    line_ += '\n';
    asio::async_write(socket_, asio::buffer(line_), [self = shared_from_this()](auto&&...) {});
  }

  tcp::socket socket_;
  asio::thread_pool& pool_;
  tractor::Embedded& actors_;
  std::string line_;
};

void serve_next(tcp::acceptor& acceptor, asio::thread_pool& pool, tractor::Embedded& actors) {
  acceptor.async_accept([&](const boost::system::error_code& error, tcp::socket socket) {
    if (error) return;
    std::make_shared<Connection>(std::move(socket), pool, actors)->serve();
    serve_next(acceptor, pool, actors);
  });
}

void ask(const tcp::endpoint& service, const std::string& question) {
  tcp::iostream stream(service);
  stream << question << std::endl;
  std::string answer;
  std::getline(stream, answer);
  std::cout << question << ": " << answer << '\n';
}

// The worker lives as long as someone is in this function: until stop() cancels it.
void keep_worker() {
  tractor::open_nursery([](tractor::ActorNursery& n) { n.start_actor("mathematician", {.modules = {"math"}}); });
}

int main(int argc, char** argv) {
  // [embedding]
  tractor::Program program(argc, argv);
  program.module("math").def("square", square, "number");
  tractor::Embedded actors(program, {.name = "gateway"});  // a child process never gets past this line

  std::jthread worker([&] {
    try {
      actors.run(keep_worker);
    } catch (const tractor::NurseryCancelled&) {  // stopped, as it should be
    }
  });
  actors.run([] { tractor::wait_for_actor("mathematician"); });
  // [/embedding]

  asio::io_context loop;
  asio::thread_pool pool(4);
  tcp::acceptor acceptor(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  serve_next(acceptor, pool, actors);
  asio::signal_set signals(loop, SIGINT, SIGTERM);  // they are the service's: the embedded actor leaves them alone
  signals.async_wait([&](auto&&...) { loop.stop(); });

  std::jthread client([&, service = acceptor.local_endpoint()] {
    for (const char* question : {"3", "12", "twelve"}) ask(service, question);
    loop.stop();
  });
  loop.run();
  client.join();
  pool.join();
  actors.stop();  // before the thread that waits in run() is joined
}
