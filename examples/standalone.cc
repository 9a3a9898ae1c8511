// A daemon and its client as two programs that meet at an arbiter: this one is both.
//   standalone serve [--arbiter ADDRESS]          a daemon named "echo", until it is cancelled
//   standalone call TEXT [--arbiter ADDRESS]      finds it, calls it once
//   standalone stop [--arbiter ADDRESS]           ends it
//   standalone                                    does all three, with an arbiter and a daemon of its own
// Over TCP (--arbiter 127.0.0.1:1616) both sides show the token in the file that TRACTOR_CREDENTIAL_FILE names.
#include <tractor/tractor.h>

#include <iostream>

std::string echo(const std::string& text) { return tractor::current_actor().name() + " says " + text; }

void call(const std::string& text) {
  tractor::Portal daemon = tractor::fail_after(std::chrono::seconds(5), [] { return tractor::wait_for_actor("echo"); });
  std::cout << daemon.run(echo, text) << '\n';
}

void stop() {
  if (auto daemon = tractor::find_actor("echo")) daemon->cancel_actor();
}

void all() {
  tractor::open_nursery([](tractor::ActorNursery& n) {
    tractor::Portal daemon = n.start_actor("echo", {.modules = {"standalone"}});
    call("hello");
    daemon.cancel_actor();
  });
}

int usage(bool asked) {
  (asked ? std::cout : std::cerr) << "usage: standalone [serve | call TEXT | stop] [--arbiter ADDRESS]\n";
  return asked ? 0 : 2;
}

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("standalone").def("echo", echo, "text");
  program.serve_if_child();  // what follows is the root's only

  std::vector<std::string> words(argv + 1, argv + argc);
  tractor::RunOptions options{.name = "standalone"};
  if (words.size() >= 2 && words[words.size() - 2] == "--arbiter") {
    options.arbiter = words.back();
    words.resize(words.size() - 2);
  }
  if (words.empty()) return program.main(options, all);
  // [serve]
  if (words[0] == "serve" && words.size() == 1) {
    options.name = "echo";
    options.modules = {"standalone"};
    return program.run_daemon(options);
  }
  // [/serve]
  if (words[0] == "call" && words.size() == 2) return program.main(options, call, words[1]);
  if (words[0] == "stop" && words.size() == 1) return program.main(options, stop);
  return usage(words[0] == "--help");
}
