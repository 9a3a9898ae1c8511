// An arbiter over an etcd of three members, each on a host of its own, whose cable is pulled: nobody is told that it is
// gone.
#include "hosts.h"
#include "over_etcd.h"

namespace tractor::test {
namespace {

std::string host(int member) { return "10.0.0." + std::to_string(2 + member); }
std::string client(int member) { return host(member) + ":2379"; }

// etcd becomes this process. The arguments: its number, and where it keeps its data.
TRACTOR_SCENARIO(etcd_member) {
  const int member = std::stoi(arguments.at(0));
  become_far_host(host(member));
  std::cout << "serving" << std::endl;
  std::string cluster;
  for (int i = 0; i < 3; ++i) cluster += (i == 0 ? "m" : ",m") + std::to_string(i) + "=http://" + host(i) + ":2380";
  const std::string name = "m" + arguments.at(0);
  const std::string peer_url = "http://" + host(member) + ":2380";
  const std::string client_url = "http://" + client(member);
  execl("/usr/bin/etcd", "etcd", "--name", name.c_str(), "--data-dir", arguments.at(1).c_str(), "--listen-client-urls",
        client_url.c_str(), "--advertise-client-urls", client_url.c_str(), "--listen-peer-urls", peer_url.c_str(),
        "--initial-advertise-peer-urls", peer_url.c_str(), "--initial-cluster", cluster.c_str(), nullptr);
  return 1;
}

class EtcdPartition : private NearHost, public OverEtcd {
 protected:
  EtcdPartition() {
    for (int i = 0; i < 3; ++i) {
      const std::string number = std::to_string(i);
      members_.push_back(
          std::make_unique<FarHost>("etcd_member", std::vector{number, scratch_ / ("m" + number)}, "near" + number));
    }
    for (int i = 0; i < 3; ++i) wait_until_it_serves(i);
  }
  void TearDown() override {
    members_.clear();
    OverEtcd::TearDown();
  }
  static void wait_until_it_serves(int member) {
    const std::string command =
        "/usr/bin/etcdctl --command-timeout=2s --endpoints=" + client(member) + " get x >/dev/null 2>&1";
    EXPECT_TRUE(eventually([&] { return std::system(command.c_str()) == 0; }, 30s * kSlowness)) << member;
  }

  std::vector<std::unique_ptr<FarHost>> members_;
  const std::string store_ = "etcd://" + client(0) + "," + client(1) + "," + client(2);
};

TEST_F(EtcdPartition, any_of_three_members_may_be_cut_off) {
  Process process = arbiter(first_, store_);
  survives_the_loss_of_any_member(
      first_, [&](int i) { members_[i]->pull_out(); },
      [&](int i) {
        members_[i]->plug_in();
        wait_until_it_serves(i);
      });
}

TEST_F(EtcdPartition, when_two_are_cut_off_what_it_serves_is_stale_until_they_are_back) {
  Process process = arbiter(first_, store_);
  Wire wire(first_);
  Tree tree(wire);
  tree.add(registration("a", "1"));
  for (const int i : {0, 1}) members_[i]->pull_out();
  EXPECT_TRUE(eventually([&] { return is_stale(wire); }, 20s * kSlowness));
  EXPECT_EQ(wire.find("a"), Ids{"1"});
  EXPECT_EQ(status_of_hello(wire).error_code(), grpc::StatusCode::UNAVAILABLE);
  for (const int i : {0, 1}) members_[i]->plug_in();
  EXPECT_TRUE(eventually([&] { return !is_stale(wire); }, 30s * kSlowness));
  EXPECT_EQ(wire.find("a"), Ids{"1"});
}

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define_etcd)
