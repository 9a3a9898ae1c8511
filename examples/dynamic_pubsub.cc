// Publish and subscribe over one dialog: the subscriber changes its topics while items flow.
#include <tractor/tractor.h>

#include <iostream>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

using namespace std::chrono_literals;

// [publisher]
struct Topic {
  std::string name;
  bool wanted = true;
};
BOOST_DESCRIBE_STRUCT(Topic, (), (name, wanted))

using Quote = std::tuple<std::string, int>;

// Publishes a quote of each wanted topic in turn: one task listens for changes, the call's own one sends.
void publish(tractor::Context<Topic, Quote>& subscriber) {
  std::map<std::string, int> wanted;  // and how many quotes it has had
  tractor::open_task_nursery([&](tractor::TaskNursery& tasks) {
    tasks.start_soon([&] {
      for (const Topic& topic : subscriber) {
        if (topic.wanted) {
          wanted.emplace(topic.name, 0);
        } else {
          wanted.erase(topic.name);
        }
      }
      tasks.cancel_scope().cancel();  // the subscriber wants no more
    });
    while (true) {
      const std::map<std::string, int> now = wanted;
      for (const auto& [name, count] : now) {
        if (!wanted.contains(name)) continue;
        subscriber.send({name, ++wanted[name]});
      }
      tractor::sleep(1ms);
    }
  });
}
// [/publisher]

// [subscriber]
// Receives until every one of these has come, and nothing else does any more.
template <class Dialog>
void listen_until_only(Dialog& quotes, const std::set<std::string>& topics) {
  std::vector<std::string> recent;
  while (true) {
    recent.push_back(std::get<0>(quotes.receive()));
    if (recent.size() > 4 * topics.size()) recent.erase(recent.begin());
    if (recent.size() == 4 * topics.size() && std::set<std::string>(recent.begin(), recent.end()) == topics) break;
  }
  std::cout << "hearing of:";
  for (const std::string& topic : topics) std::cout << ' ' << topic;
  std::cout << '\n';
}

void subscribe() {
  tractor::open_nursery([](tractor::ActorNursery& n) {
    tractor::Portal exchange = n.start_actor("exchange", {.modules = {"quotes"}});
    auto quotes = exchange.open_context(publish);
    quotes.send({.name = "gold"});
    listen_until_only(quotes, {"gold"});
    quotes.send({.name = "oil"});
    listen_until_only(quotes, {"gold", "oil"});
    quotes.send({.name = "gold", .wanted = false});
    listen_until_only(quotes, {"oil"});
    quotes.result();  // sends no more, so the publisher ends
    std::cout << "unsubscribed\n";
    exchange.cancel_actor();
  });
}
// [/subscriber]

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("quotes").def("publish", publish);
  return program.main(subscribe);
}
