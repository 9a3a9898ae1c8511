// Both ends of a link on virtual time, with a task that carries their messages.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/wire/calling_end.h"
#include "runtime/wire/serving_end.h"
#include "tests/runtime/task/run_virtual.h"

namespace tractor {

using namespace std::chrono_literals;

inline constexpr Clock::duration kPatience = 500ms;

struct Handler final : CallHandler {
  const ActorRef& self() const override { return actor; }
  Value invoke(Invocation invocation, ServedCall& call) override {
    ++invoked;
    call.scope.set_deadline(invocation.deadline);
    Value value;
    call.scope.run([&] { value = run(std::move(invocation)); });
    if (call.scope.cancelled_caught()) throw CallError(ErrorKind::cancelled, "cancelled by " + call.cancelled_by.name);
    return value;
  }
  ActorDescription describe() const override { return {}; }
  bool cancel_call(const std::string&, const ActorRef&, const std::string&) override { return false; }
  void cancel_actor(Clock::duration, const ActorRef&, const std::string&) override {}

  ActorRef actor = {.name = "donny", .id = "d0"};
  std::function<Value(Invocation)> run = [](Invocation i) { return i.arguments.positional.at(0); };
  int invoked = 0;
};

struct Carrier final : LinkEnd::Carrier {
  explicit Carrier(Condition& c) : wanted(c) {}
  void write_soon() override { wanted.notify(); }
  bool writing() const override { return is_writing; }
  Condition& wanted;
  bool is_writing = false;
};

// Two ends, and a task that carries messages between them until the test's body has ended.
struct Ends {
  explicit Ends(TaskNursery& t) : tasks(t) {
    t.start_soon([this] {
      while (true) {
        wanted.wait_until("a message",
                          [this] { return (from_caller && caller.has_message()) || server.has_message(); });
        if (from_caller && caller.has_message()) server.receive(caller.take_message());
        if (server.has_message()) caller.receive(server.take_message());
        ++rounds;
        yield_now();
      }
    });
  }
  CallOutcome call(Value argument) {
    return caller.call({.function = "m.f", .arguments = {.positional = {std::move(argument)}}}, kPatience);
  }

  TaskNursery& tasks;
  Condition wanted;
  Carrier carrier{wanted};
  Handler handler;
  bool from_caller = true;  // whether its messages arrive
  int rounds = 0;
  CallingEnd caller{carrier, {.name = "gretchen", .id = "90"}};
  ServingEnd server{carrier, handler, tasks};
};

inline void with_ends(const std::function<void(Ends&)>& body) {
  run_virtual([&] {
    std::optional<Ends> ends;
    open_task_nursery([&](TaskNursery& t) {
      ends.emplace(t);
      body(*ends);
      t.cancel_scope().cancel();
    });
  });
}

// What it is told that breaks the rules; empty: nothing.
inline std::string refusal(LinkEnd& end, std::string_view message) {
  try {
    end.receive(message);
  } catch (const LinkError& e) {
    return e.what();
  }
  return "";
}
inline std::string message_of(std::vector<std::string> frames) {
  std::string message;
  for (const std::string& frame : frames) append_frame(message, frame);
  return message;
}

}  // namespace tractor
