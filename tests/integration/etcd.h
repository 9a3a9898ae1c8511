// A real etcd on this machine: a cluster of one or more members, each of which can be killed, stopped and started
// again.
#pragma once

#include "harness.h"
#include "listener.h"

namespace tractor::test {

class Etcd {
 public:
  // Serves when it returns.
  explicit Etcd(int members) {
    for (int i = 0; i < members; ++i) {
      members_.push_back(
          {.client = "127.0.0.1:" + std::to_string(free_port()), .peer = "127.0.0.1:" + std::to_string(free_port())});
      cluster_ += (i == 0 ? "" : ",") + name(i) + "=http://" + members_.back().peer;
    }
    for (int i = 0; i < members; ++i) start(i);
    for (int i = 0; i < members; ++i) {
      if (!eventually([&] { return serves(i); }, 30s * kSlowness))
        throw std::runtime_error("etcd does not serve: " + members_[i].process->err());
    }
  }

  void start(int i) {
    members_[i].process.emplace(std::vector<std::string>{
        "/usr/bin/etcd", "--name", name(i), "--data-dir", scratch_ / name(i), "--listen-client-urls",
        "http://" + members_[i].client, "--advertise-client-urls", "http://" + members_[i].client, "--listen-peer-urls",
        "http://" + members_[i].peer, "--initial-advertise-peer-urls", "http://" + members_[i].peer,
        "--initial-cluster", cluster_});
  }
  void kill(int i) { members_[i].process.reset(); }
  // What a killed one has stored is lost.
  void lose_data(int i) { std::filesystem::remove_all(scratch_ / name(i)); }
  // What the one member has stored comes back from a copy, into a cluster of its own, as etcd's documentation says.
  void save() { ask("snapshot save " + scratch_ / "backup"); }
  void restore() {
    kill(0);
    lose_data(0);
    ask("snapshot restore " + scratch_ / "backup" + " --name " + name(0) + " --data-dir " + scratch_ / name(0) +
        " --initial-cluster " + cluster_ + " --initial-cluster-token restored --initial-advertise-peer-urls http://" +
        members_.front().peer);
    start(0);
  }
  void signal(int i, int number) { members_[i].process->signal(number); }
  bool serves(int i) {
    return std::system(
               ("/usr/bin/etcdctl --command-timeout=2s --endpoints=" + members_[i].client + " get x >/dev/null 2>&1")
                   .c_str()) == 0;
  }
  // What etcdctl prints.
  std::string ask(const std::string& arguments) {
    std::string command = "/usr/bin/etcdctl --endpoints=" + members_.front().client + " " + arguments;
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "re"), pclose);
    std::string text;
    for (int c = fgetc(pipe.get()); c != EOF; c = fgetc(pipe.get())) text += static_cast<char>(c);
    return text;
  }

  // For --store.
  std::string url() const {
    std::string all;
    for (const Member& member : members_) all += (all.empty() ? "etcd://" : ",") + member.client;
    return all;
  }

 private:
  struct Member {
    std::string client;
    std::string peer;
    std::optional<Process> process = {};
  };
  static std::string name(int i) { return "m" + std::to_string(i); }

  ScratchDirectory scratch_;
  std::vector<Member> members_;
  std::string cluster_;
};

}  // namespace tractor::test
