// What arrives from elsewhere, as a fuzzer makes it up: the first byte says what it is taken for. Nothing may crash,
// hang or leak; what is refused is refused with one of our errors.
//
// Built with Clang it is a libFuzzer target, which follows coverage. With another compiler the main below tries the
// corpus and random changes of it, for FUZZ_SECONDS (2 by default), with a seed that it prints.
#include <google/protobuf/stubs/logging.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "runtime/task/virtual_port.h"
#include "runtime/wire/call_request.h"
#include "runtime/wire/calling_end.h"
#include "runtime/wire/error_codec.h"
#include "runtime/wire/error_info.h"
#include "runtime/wire/link_items.h"
#include "runtime/wire/serving_end.h"
#include "runtime/wire/value_wire.h"

namespace tractor {
namespace {

enum class Kind : std::uint8_t { value, error, call, invoke, items, to_server, to_caller, kCount };

void require(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "not so: " << what << std::endl;
  std::abort();
}

// Refusals that are as they should be.
void tolerate(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error&) {
  }
}

void take_as_value(std::string_view bytes) {
  const std::string once = to_wire(from_wire(bytes));
  require(to_wire(from_wire(once)) == once, "a value is the same after a second trip");
}

void take_as_error(std::string_view bytes) {
  const ErrorInfo info = decode(parsed_as<v1::Error>(bytes));
  v1::Error message;
  encode(info, message);
  static_cast<void>(to_status(info));
  static_cast<void>(describe(exception_for(info)));
}

void take_as_items(std::string_view bytes) {
  ItemInbox inbox({.items = 1'000, .bytes = 1'000'000});
  if (!inbox.add_run(std::string(bytes))) return;
  for (int taken = 0; !inbox.empty(); ++taken) {
    require(taken < 1'000, "no more items than there is room for");
    tolerate([&] { inbox.take(); });
    inbox.take_grant();
  }
}

struct Handler final : CallHandler {
  const ActorRef& self() const override { return actor; }
  Value invoke(Invocation invocation, ServedCall& call) override {
    Value last;
    call.scope.run([&] {
      if (invocation.stream == nullptr) return checkpoint();
      invocation.stream->started(1);
      for (int i = 0; i < 3; ++i) invocation.stream->send(i);
      while (std::optional<Value> item = invocation.stream->receive()) last = *std::move(item);
    });
    return last;
  }
  ActorDescription describe() const override { return {}; }
  bool cancel_call(const std::string&, const ActorRef&, const std::string&) override { return false; }
  void cancel_actor(Clock::duration, const ActorRef&, const std::string&) override {}

  ActorRef actor = {.name = "donny", .id = "d0"};
};

struct Carrier final : LinkEnd::Carrier {
  void write_soon() override {}
  bool writing() const override { return true; }
};

// Each message stands behind a byte that says how long it is.
void receive_all(LinkEnd& end, std::string_view bytes) {
  tolerate([&] {
    end.receive([] {
      std::string hello;
      append_frame(hello, FrameWriter().hello({.item_room = kDefaultItemRoom}));
      return hello;
    }());
    while (!bytes.empty()) {
      const std::size_t size = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      end.receive(bytes.substr(0, size));
      bytes.remove_prefix(std::min(size, bytes.size()));
      checkpoint();
      end.take_message();
    }
  });
}

void take_as_messages_to_server(std::string_view bytes) {
  Handler handler;
  Carrier carrier;
  std::optional<ServingEnd> server;
  open_task_nursery([&](TaskNursery& calls) {
    server.emplace(carrier, handler, calls);
    receive_all(*server, bytes);
    calls.cancel_scope().cancel();
  });
  server->close();
}

void take_as_messages_to_caller(std::string_view bytes) {
  Carrier carrier;
  CallingEnd caller(carrier, {.name = "gretchen", .id = "90"});
  open_task_nursery([&](TaskNursery& calls) {
    for (const bool streams : {false, true}) {
      calls.start_soon([&caller, streams] {
        CallRequest request{.function = "m.f"};
        if (streams) request.item_room = ItemRoom{.items = 5, .bytes = 100};
        OutgoingCall call(caller, request, std::chrono::seconds(1));
        tolerate([&] {
          while (streams && call.items()->receive()) {
          }
        });
        call.wait_or_cancel();
      });
    }
    checkpoint();
    receive_all(caller, bytes);
    caller.break_off({.message = "over", .kind = ErrorKind::unavailable});
  });
}

void take(Kind kind, std::string_view bytes) {
  switch (kind) {
    case Kind::value:
      return take_as_value(bytes);
    case Kind::error:
      return take_as_error(bytes);
    case Kind::call: {
      CallRequest request;
      return read_call(bytes, request);
    }
    case Kind::invoke: {
      InvokeRequest request;
      return read_invoke(bytes, request);
    }
    case Kind::items:
      return take_as_items(bytes);
    case Kind::to_server:
      return take_as_messages_to_server(bytes);
    case Kind::to_caller:
      return take_as_messages_to_caller(bytes);
    case Kind::kCount:
      return;
  }
}

}  // namespace
}  // namespace tractor

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tractor;
  static const auto quiet = google::protobuf::SetLogHandler(nullptr);  // it tells of each text that is no UTF-8
  static_cast<void>(quiet);
  if (size == 0) return 0;
  const auto kind = static_cast<Kind>(data[0] % static_cast<int>(Kind::kCount));
  VirtualPort port;
  Scheduler scheduler(port, {.reports_overflow = false});
  scheduler.run([&] { tolerate([&] { take(kind, {reinterpret_cast<const char*>(data) + 1, size - 1}); }); });
  return 0;
}

#ifndef TRACTOR_LIBFUZZER

namespace tractor {
namespace {

using Random = std::mt19937_64;

std::string changed(std::string input, const std::vector<std::string>& corpus, Random& random) {
  for (std::uint64_t changes = 1 + random() % 4; changes > 0; --changes) {
    const std::size_t at = input.empty() ? 0 : random() % input.size();
    switch (random() % 5) {
      case 0:
        if (!input.empty()) input[at] = static_cast<char>(random());
        break;
      case 1:
        if (!input.empty()) input[at] = static_cast<char>(input[at] ^ (1 << random() % 8));
        break;
      case 2:
        input.erase(at, 1 + random() % 8);
        break;
      case 3:
        input.insert(at, 1 + random() % 8, static_cast<char>(random()));
        break;
      default: {
        const std::string& other = corpus[random() % corpus.size()];
        input.insert(at, other, random() % other.size(), 1 + random() % 32);
      }
    }
  }
  return input;
}

}  // namespace
}  // namespace tractor

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: wire_fuzz CORPUS_DIRECTORY\n";
    return 2;
  }
  std::vector<std::string> corpus;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream file(entry.path(), std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  std::erase(corpus, "");
  if (corpus.empty()) {
    std::cerr << "wire_fuzz: nothing in " << argv[1] << '\n';
    return 2;
  }
  const char* seconds = std::getenv("FUZZ_SECONDS");
  const char* given_seed = std::getenv("FUZZ_SEED");
  const std::uint64_t seed = given_seed != nullptr ? std::strtoull(given_seed, nullptr, 10) : std::random_device()();
  std::cout << "FUZZ_SEED=" << seed << std::endl;
  tractor::Random random(seed);
  const auto run = [](const std::string& input) {
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  };
  for (const std::string& input : corpus) run(input);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds != nullptr ? std::atoi(seconds) : 2);
  std::uint64_t inputs = corpus.size();
  for (; std::chrono::steady_clock::now() < end; ++inputs)
    run(tractor::changed(corpus[random() % corpus.size()], corpus, random));
  std::cout << inputs << " inputs\n";
}

#endif
