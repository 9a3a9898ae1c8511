// Services that find and call each other, each a program of its own, as on several hosts (deploy/compose.yaml):
//   shop stock    [--listen HOST:PORT]   keeps goods; asks "prices" what they cost
//   shop prices   [--listen HOST:PORT]   knows prices; asks "stock" how much is left: the last ones cost more
//   shop customer [--count N]            buys N times from "stock", one a second, and prints each bill
//   shop                                 plays it all once on this machine
// TRACTOR_ARBITER says where they find each other, TRACTOR_CREDENTIAL_FILE with what they show who they are.
#include <tractor/tractor.h>

#include <charconv>
#include <iostream>
#include <map>

using namespace std::chrono_literals;

// [ask]
// Another service: found when it is first needed, and again after it was away, because it may be elsewhere by then. One
// that was found needs no arbiter.
template <class F, class... A>
auto ask(tractor::NamedPortal& service, F function, const A&... arguments) {
  return tractor::fail_after(10s, [&] { return service.run(function, arguments...); });
}
// [/ask]

// In "stock":

std::map<std::string, int> goods = {{"apple", 1000}, {"pear", 12}};

int left(const std::string& item) { return goods[item]; }

int price(const std::string& item);

std::string buy(const std::string& item, int count) {
  static tractor::NamedPortal prices("prices");
  const int each = ask(prices, price, item);  // others buy meanwhile
  if (goods[item] < count) return "only " + std::to_string(goods[item]) + " of " + item + " are left";
  goods[item] -= count;
  return std::to_string(count) + " " + item + (count == 1 ? "" : "s") + " at " + std::to_string(each) + " cents";
}

// In "prices":

int price(const std::string& item) {
  static tractor::NamedPortal stock("stock");
  const int usual = item == "pear" ? 30 : 20;
  return ask(stock, left, item) < 12 ? 2 * usual : usual;
}

// In "customer":

void shop(int count) {
  tractor::NamedPortal stock("stock");
  for (int i = 1; i <= count; ++i) {
    if (i > 1) tractor::sleep(1s);
    std::string bill;
    try {
      bill = ask(stock, buy, "apple", 1);
    } catch (const tractor::Error& e) {
      bill = std::string("none, ") + e.what();
    }
    std::cout << "bill " << i << ": " << bill << std::endl;
  }
}

void play() {
  tractor::open_nursery([](tractor::ActorNursery& n) {
    tractor::Portal stock = n.start_actor("stock", {.modules = {"shop"}});
    tractor::Portal prices = n.start_actor("prices", {.modules = {"shop"}});
    std::cout << stock.run(buy, "pear", 2) << '\n' << stock.run(buy, "pear", 1) << '\n';
    std::cout << stock.run(buy, "pear", 10) << '\n';
    stock.cancel_actor();
    prices.cancel_actor();
  });
}

int usage(bool asked = false) {
  (asked ? std::cout : std::cerr)
      << "usage: shop [stock [--listen HOST:PORT] | prices [--listen HOST:PORT] | customer [--count N]]\n";
  return asked ? 0 : 2;
}

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("shop").def("buy", buy, "item", "count").def("left", left, "item").def("price", price, "item");
  program.serve_if_child();  // what follows is the root's only

  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty()) return program.main(play);
  if (words.size() == 2 || words.size() > 3) return usage();
  const bool has_option = words.size() == 3;
  if (words[0] == "customer") {
    int count = 10;
    if (has_option) {
      const std::string& text = words[2];
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
      if (words[1] != "--count" || error != std::errc() || end != text.data() + text.size() || count < 1)
        return usage();
    }
    return program.main({.name = "customer"}, shop, count);
  }
  if ((words[0] != "stock" && words[0] != "prices") || (has_option && words[1] != "--listen"))
    return usage(words[0] == "--help");
  tractor::RunOptions options{.name = words[0], .modules = {"shop"}};
  if (has_option) options.listen = {words[2].c_str()};
  return program.run_daemon(options);
}
