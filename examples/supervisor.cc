// A supervisor starts its children again when they crash; what depends on a crashed one is started again with it. A
// monitor tells of the end of an actor.
#include <tractor/tractor.h>

#include <csignal>
#include <iostream>

// Each of these runs in "stock" or in "till".
int put(const std::string& thing, int count) {
  tractor::Value& number = tractor::current_actor().statespace()[thing];
  number = (number.is_null() ? 0 : tractor::Codec<int>::decode(number)) + count;
  return tractor::Codec<int>::decode(number);
}
void crash() { std::raise(SIGKILL); }
void open_shop() {
  std::cout << tractor::current_actor().name() << " opens" << std::endl;
  tractor::current_actor().at_exit([] { std::cout << tractor::current_actor().name() << " closes" << std::endl; });
}

void tell(const tractor::Supervisor& supervisor) {
  for (const tractor::SupervisedChild& child : supervisor.which_children())
    std::cout << "  " << child.name << ": started again " << child.restarts << " times" << std::endl;
}

// [crash]
void crash_the_stock(tractor::Supervisor& supervisor) {
  std::cout << "apples: " << supervisor.portal("stock").run(put, "apple", 3) << std::endl;
  try {
    supervisor.portal("stock").run(crash);
  } catch (const tractor::RemoteActorError& error) {
    std::cout << "stock died of signal " << error.info().attributes.at("signal") << std::endl;
  }
  // Another process by now: portal() waits for it, and what the first one knew is gone.
  std::cout << "apples: " << supervisor.portal("stock").run(put, "apple", 1) << std::endl;
}
// [/crash]

void crash_the_till(tractor::Supervisor& supervisor) {
  try {
    supervisor.portal("till").run(crash);
  } catch (const tractor::RemoteActorError&) {
    std::cout << "till died; nothing depends on it" << std::endl;
  }
  supervisor.portal("till");
  std::cout << "apples: " << supervisor.portal("stock").run(put, "apple", 1) << std::endl;
}

void come_and_go(tractor::Supervisor& supervisor) {
  // [children]
  supervisor.start_child("clerk", {.restart = tractor::Restart::temporary, .modules = {"shop"}});
  std::cout << supervisor.count_children().active << " children" << std::endl;
  // [/children]

  // [monitor]
  auto [send, receive] = tractor::open_memory_channel<tractor::Down>(1);
  const tractor::Monitor watching = supervisor.portal("clerk").monitor(std::move(send));
  supervisor.terminate_child("clerk");
  for (const tractor::Down& down : receive)  // one notice, then the channel ends
    std::cout << down.actor.name << ": " << to_string(down.reason) << std::endl;
  // [/monitor]
  std::cout << supervisor.count_children().active << " children" << std::endl;
}

void director() {
  // [supervisor]
  tractor::Supervisor supervisor({.strategy = tractor::Strategy::rest_for_one, .intensity = 2});
  supervisor.add("stock", {.modules = {"shop"}});  // started first, stopped last
  supervisor.add("till", {.modules = {"shop"}});   // needs the stock, so it is started again with it

  tractor::open_nursery(supervisor, [&] {
    crash_the_stock(supervisor);
    supervisor.portal("till");
    tell(supervisor);
    crash_the_till(supervisor);
    tell(supervisor);
    come_and_go(supervisor);
    supervisor.portal("stock").run(open_shop);
    supervisor.portal("till").run(open_shop);
  });  // the till closes before the stock
  // [/supervisor]
}

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("shop").def("put", put, "thing", "count").def("crash", crash).def("open_shop", open_shop);
  return program.main(director);
}
