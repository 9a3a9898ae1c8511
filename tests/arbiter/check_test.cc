// What can be registered, and from where.
#include "arbiter/check.h"

#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <netdb.h>

#include "arbiter/addresses.h"
#include "arbiter/same_host.h"
#include "runtime/task/error.h"

namespace tractor::arbiter {
namespace {

using namespace std::chrono_literals;

template <class F>
std::string refusal(F&& f) {
  try {
    f();
  } catch (const UsageError& e) {
    return e.what();
  }
  return "";
}
// The refusal has all these parts.
template <class F>
void refused(F&& f, const std::vector<std::string>& parts) {
  const std::string text = refusal(f);
  EXPECT_NE(text, "");
  for (const std::string& part : parts)
    EXPECT_NE(text.find(part), std::string::npos) << "no \"" << part << "\" in: " << text;
}
void refused_actor(ActorInfo actor, const std::vector<std::string>& parts) {
  refused([&] { check_actor(actor); }, parts);
}

const ActorInfo kGood{.name = "Zoë of row 3",
                      .id = "7f3a",
                      .addresses = {"unix:/run/a.sock", "10.0.0.1:1616", "[::1]:1"},
                      .labels = {{"zone", "a"}, {"empty", ""}}};

TEST(Check, takes_what_actors_are) {
  EXPECT_EQ(refusal([] { check_actor(kGood); }), "");
  ActorInfo longest = kGood;
  longest.name = longest.id = std::string(255, 'x');
  EXPECT_EQ(refusal([&] { check_actor(longest); }), "");
  EXPECT_EQ(refusal([] { check_namespace(""); }), "");
}

TEST(Check, refuses_names_with_control_characters_or_too_long) {
  ActorInfo actor = kGood;
  actor.name = "two\nlines";
  refused_actor(actor, {"name", "control characters", "two\\nlines"});
  actor.name = std::string("nul\0", 4);
  refused_actor(actor, {"control characters"});
  actor.name = "del\x7f";
  refused_actor(actor, {"control characters"});
  actor.name = std::string(256, 'x');
  refused_actor(actor, {"255 bytes", "256"});
  actor.name = "";
  refused_actor(actor, {"needs a name"});
  actor.name = "\xff";
  refused_actor(actor, {"UTF-8"});
}

TEST(Check, refuses_ids_labels_and_namespaces_alike) {
  ActorInfo actor = kGood;
  actor.id = "";
  refused_actor(actor, {"needs an id", "Zoë of row 3"});
  actor.id = "a\tb";
  refused_actor(actor, {"id", "control characters"});
  actor = kGood;
  actor.labels = {{"zone", "a\r"}};
  refused_actor(actor, {"the label \"zone\"", "control characters"});
  actor.labels = {{std::string(256, 'k'), "a"}};
  refused_actor(actor, {"a label", "255"});
  refused([] { check_namespace(std::string(256, 'n')); }, {"a namespace", "255", "256"});
  refused([] { check_namespace("a\nb"); }, {"a namespace", "control"});
}

TEST(Check, refuses_addresses_that_do_not_parse) {
  ActorInfo actor = kGood;
  actor.addresses = {"10.0.0.1:1616", "nowhere"};
  refused_actor(actor, {"\"nowhere\"", "no port"});
  actor.addresses = {"10.0.0.1:0"};
  refused_actor(actor, {"\"10.0.0.1:0\"", "Zoë of row 3", "needs a port"});
}

TEST(Check, refuses_leases_of_nothing_and_of_a_week) {
  for (const Clock::duration good : {Clock::duration(1s), kDefaultTtl, Clock::duration(24h)})
    EXPECT_EQ(refusal([&] { check_ttl(good); }), "");
  refused([] { check_ttl(0s); }, {"1 s to 24 h", "0"});
  refused([] { check_ttl(-1s); }, {"1 s to 24 h", "-1s"});
  refused([] { check_ttl(999ms); }, {"999ms"});
  refused([] { check_ttl(24h * 7); }, {"168h"});
}

TEST(Addresses, one_or_several_separated_by_commas) {
  using List = std::vector<std::string>;
  EXPECT_EQ(parse_addresses("10.0.0.1:1616"), List{"10.0.0.1:1616"});
  EXPECT_EQ(parse_addresses("b:1, unix:///tmp/a.sock,[::1]:2"), (List{"b:1", "unix:/tmp/a.sock", "[::1]:2"}));
  refused([] { parse_addresses("b:1,,c:2"); }, {"empty", "\"b:1,,c:2\"", "comma"});
  refused([] { parse_addresses("b:1,c"); }, {"\"c\"", "\"b:1,c\""});
  refused([] { parse_addresses("b:1,c:0"); }, {"\"c:0\"", "needs a port"});
}

TEST(SameHost, unix_sockets_and_this_machines_addresses_are) {
  for (const char* peer : {"unix:", "unix:/run/a.sock", "fd:12", "ipv4:127.0.0.1:4711", "ipv4:127.1.2.3:1",
                           "ipv6:[::1]:4711", "ipv6:%5B::1%5D:4711", "ipv6:[::ffff:127.0.0.1]:4711"})
    EXPECT_TRUE(is_same_host(peer)) << peer;
  ifaddrs* interfaces = nullptr;
  ASSERT_EQ(getifaddrs(&interfaces), 0);
  for (const ifaddrs* entry = interfaces; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    char host[NI_MAXHOST];
    ASSERT_EQ(getnameinfo(entry->ifa_addr, sizeof(sockaddr_in), host, sizeof host, nullptr, 0, NI_NUMERICHOST), 0);
    EXPECT_TRUE(is_same_host("ipv4:" + std::string(host) + ":4711")) << host;
  }
  freeifaddrs(interfaces);
}

TEST(SameHost, others_are_not) {
  for (const char* peer : {"ipv4:192.0.2.1:4711", "ipv6:[2001:db8::1]:4711", "ipv6:%5B2001:db8::1%5D:4711",
                           "ipv4:0.0.0.0:1", "", "ipv4:", "x"})
    EXPECT_FALSE(is_same_host(peer)) << peer;
}

}  // namespace
}  // namespace tractor::arbiter
