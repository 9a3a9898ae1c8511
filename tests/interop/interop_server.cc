// The actor that the tests in other languages call.
//   interop_server CREDENTIAL_FILE
// It prints its addresses, one a line, and serves the module "interop" on a unix socket and on TCP. It ends when stdin
// closes, by a signal, or after a minute: a test that was killed leaves nothing behind.
#include <google/protobuf/timestamp.pb.h>
#include <poll.h>
#include <tractor/tractor.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>

namespace {

using google::protobuf::Timestamp;
using tractor::Value;

Value echo(const Value& value) { return value; }
// What the value is in C++.
std::string kind_of(const Value& value) { return std::string(value.type_name()); }

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}
std::int64_t subtract(std::int64_t x, std::int64_t y) { return x - y; }
int narrow(std::int8_t x) { return x; }
std::string greet(const std::string& name, const std::optional<std::string>& greeting) {
  return greeting.value_or("hello") + ' ' + name;
}

Timestamp add_seconds(const Timestamp& time, std::chrono::seconds by) {
  Timestamp later = time;
  later.set_seconds(time.seconds() + by.count());
  return later;
}
std::chrono::nanoseconds one_nanosecond_more(std::chrono::nanoseconds duration) {
  return duration + std::chrono::nanoseconds(1);
}

class Mishap : public std::runtime_error {
  using std::runtime_error::runtime_error;
};
void fail(const std::string& text) { throw Mishap(text); }

struct Shortage : std::runtime_error {
  Shortage() : std::runtime_error("too few") {}
  std::string what_of = {};
  int missing = 0;
};
BOOST_DESCRIBE_STRUCT(Shortage, (), (what_of, missing))
void run_short(const std::string& what_of, int missing) {
  Shortage error;
  error.what_of = what_of;
  error.missing = missing;
  throw error;
}

// Calls that wait until they are cancelled, by a tag that the caller gives them, and what has become of them.
std::map<std::string, tractor::Event> begun;
std::map<std::string, tractor::Event> ended;

void hold(const std::string& tag) {
  struct Destroyed {
    ~Destroyed() { ended[tag].set(); }
    const std::string& tag;
  } destroyed{tag};
  begun[tag].set();
  tractor::sleep_forever();
}
// As the last thing that this actor does, which takes a while.
void write_at_exit(const std::string& path) {
  tractor::current_actor().at_exit([path] {
    tractor::sleep(std::chrono::milliseconds(200));
    std::ofstream(path) << "cleaned up";
  });
}
void wait_until_begun(const std::string& tag) { begun[tag].wait(); }
// Until the destructors of that call have run.
void wait_until_ended(const std::string& tag) { ended[tag].wait(); }

// What generators and dialogs do.
int items_yielded = 0;
void count_to(tractor::Yield<int>& yield, int last) {
  for (int i = 1; i <= last; ++i) yield(i);
}
void fail_after(tractor::Yield<int>& yield, int count) {
  count_to(yield, count);
  throw Mishap("out of numbers");
}
// Items of that many bytes, until it is cancelled.
void yield_forever(tractor::Yield<std::string>& yield, const std::string& tag, std::size_t size) {
  struct Destroyed {
    ~Destroyed() { ended[tag].set(); }
    const std::string& tag;
  } destroyed{tag};
  begun[tag].set();
  for (items_yielded = 0;; ++items_yielded) yield(std::string(size, 'x'));
}
void yield_some(tractor::Yield<std::string>& yield, std::size_t size, int count) {
  for (int i = 0; i < count; ++i) yield(std::string(size, 'x'));
}
int how_many_yielded() { return items_yielded; }
int add_up(tractor::Context<int, std::string>& caller, int start) {
  caller.started("ready for " + caller.caller().name);
  int sum = start;
  for (const int number : caller) caller.send("now " + std::to_string(sum += number));
  return sum;
}

void read_until_closed(const std::stop_token& stop) {
  std::array<char, 256> ignored{};
  while (!stop.stop_requested()) {
    pollfd in{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    if (poll(&in, 1, 100) == 1 && read(STDIN_FILENO, ignored.data(), ignored.size()) <= 0) return;
  }
}

void serve() {
  for (const std::string& address : tractor::current_actor().info().addresses) std::cout << address << '\n';
  std::cout << std::flush;
  tractor::move_on_after(std::chrono::minutes(1), [] { tractor::to_thread(read_until_closed); });
}

}  // namespace

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("interop")
      .def("echo", echo, "value")
      .def("kind_of", kind_of, "value")
      .def("repeated", repeated, "text", "times")
      .def("subtract", subtract, "x", "y")
      .def("narrow", narrow, "x")
      .def("greet", greet, "name", "greeting")
      .def("add_seconds", add_seconds, "time", "by")
      .def("one_nanosecond_more", one_nanosecond_more, "duration")
      .def("fail", fail, "text")
      .def("run_short", run_short, "what_of", "missing")
      .def("hold", hold, "tag")
      .def("write_at_exit", write_at_exit, "path")
      .def("count_to", count_to, "last")
      .def("fail_after", fail_after, "count")
      .def("yield_forever", yield_forever, "tag", "size")
      .def("yield_some", yield_some, "size", "count")
      .def("how_many_yielded", how_many_yielded)
      .def("add_up", add_up, "start")
      .def("wait_until_begun", wait_until_begun, "tag")
      .def("wait_until_ended", wait_until_ended, "tag");
  program.exceptions().def<Shortage>("interop.Shortage");
  program.module("hidden").def("secret", [] { return 42; });
  if (argc != 2) {
    std::cerr << "usage: interop_server CREDENTIAL_FILE\n";
    return 2;
  }
  return program.main(
      {.name = "interop", .modules = {"interop"}, .listen = {"127.0.0.1:0"}, .credential_file = argv[1]}, serve);
}
