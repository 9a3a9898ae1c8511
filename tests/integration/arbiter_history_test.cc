// What many clients saw of the registry at the same time, compared with what they did: by seed, in memory and over
// etcd.
//
// Ten clients register, unregister, find, say goodbye and are killed (their connections break) at random, and as many
// watchers follow, break off and resume, while the arbiter is stopped now and then. A client knows of each of its
// actors when it was surely registered (from the acknowledgement until it asked for the end) and when it may have been
// (from the request until the end was acknowledged, or noticed). So
//   - a find gives everyone who was surely there all the time it took, and nobody who cannot have been there,
//   - a watcher is told of everyone who was surely there, first of the beginning, then of the end,
//   - nobody whose end a watcher was told of is found after that, or told of again.
#include <mutex>
#include <random>

#include "over_etcd.h"

namespace tractor::test {
namespace {

using Time = std::chrono::steady_clock::time_point;
using SteadyClock = std::chrono::steady_clock;

constexpr int kClients = 10;
constexpr std::size_t kWatchers = 10;
constexpr int kOperations = 25;
constexpr int kSeeds = kSanitized ? 1 : 10;  // in each of five tests
// How long it may take until a lost connection is noticed, and until one arbiter knows what another was told.
constexpr auto kNotice = 2s * kSlowness;

struct Life {
  std::string name;
  std::string id;
  std::size_t arbiter;
  Time asked_for;
  Time surely_from;
  Time surely_until = Time::max();
  Time possibly_until = Time::max();
};

struct Finding {
  std::string name;
  std::size_t arbiter;
  Time begin;
  Time end;
  std::set<std::string> ids;
};

// One that registers and finds, in a thread of its own.
class Client {
 public:
  Client(int number, std::uint64_t seed, const std::vector<std::string>& arbiters, std::string actor_namespace)
      : number_(number),
        random_(static_cast<unsigned>(seed * 100 + static_cast<unsigned>(number))),
        arbiter_(static_cast<std::size_t>(number) % arbiters.size()),
        address_(arbiters[arbiter_]),
        wire_(address_),
        namespace_(std::move(actor_namespace)) {}

  void run() {
    register_anew();
    for (int i = 0; i < kOperations; ++i) {
      const unsigned chance = pick(100);
      if (chance < 35) {
        add();
      } else if (chance < 55) {
        remove();
      } else if (chance < 90) {
        find();
      } else {
        leave(chance < 95);
        register_anew();
      }
    }
    leave(pick(2) == 0);
  }

  std::vector<Life> lives;
  std::vector<Finding> findings;

 private:
  unsigned pick(unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random_); }
  std::string name() { return std::string(1, static_cast<char>('a' + pick(3))); }

  void register_anew() {
    connection_.emplace(address_);
    tree_.emplace(connection_->wire(), namespace_);
  }
  void add() {
    Life life{.name = name(),
              .id = std::to_string(number_) + "." + std::to_string(lives.size()),
              .arbiter = arbiter_,
              .asked_for = SteadyClock::now(),
              .surely_from = {}};
    std::optional<v1::RegisterResponse> reply;
    do {
      reply = tree_->add(registration(life.name, life.id));
    } while (reply && reply->refused().try_again());  // etcd was slow
    ASSERT_TRUE(reply && reply->added() == life.id) << (reply ? reply->ShortDebugString() : "no reply");
    life.surely_from = SteadyClock::now();
    here_.push_back(lives.size());
    lives.push_back(std::move(life));
  }
  void remove() {
    if (here_.empty()) return;
    std::swap(here_[pick(static_cast<unsigned>(here_.size()))], here_.back());
    Life& life = lives[here_.back()];
    here_.pop_back();
    life.surely_until = SteadyClock::now();
    const auto reply = tree_->remove(life.id);
    ASSERT_TRUE(reply && reply->removed() == life.id);
    life.possibly_until = SteadyClock::now();
  }
  void find() {
    Finding finding{.name = name(), .arbiter = arbiter_, .begin = SteadyClock::now(), .end = {}, .ids = {}};
    const std::vector<std::string> ids = wire_.find(finding.name, namespace_);
    finding.end = SteadyClock::now();
    finding.ids.insert(ids.begin(), ids.end());
    EXPECT_EQ(finding.ids.size(), ids.size());
    findings.push_back(std::move(finding));
  }
  // With a goodbye, or as a killed process does.
  void leave(bool orderly) {
    for (const std::size_t i : here_) lives[i].surely_until = SteadyClock::now();
    if (orderly) {
      v1::RegisterRequest goodbye;
      goodbye.mutable_goodbye();
      tree_->send(goodbye);
      tree_->end();
    } else {
      connection_->kill();
    }
    tree_.reset();
    for (const std::size_t i : here_) lives[i].possibly_until = SteadyClock::now() + kNotice;
    here_.clear();
  }

  int number_;
  std::minstd_rand random_;
  std::size_t arbiter_;
  std::string address_;
  Wire wire_;
  std::string namespace_;
  std::optional<Connection> connection_;
  std::optional<Tree> tree_;
  std::vector<std::size_t> here_;  // of lives
};

// Follows from when it is made, until it is told of the actor "last".
class Following {
 public:
  Following(const std::string& address, std::size_t arbiter_number, std::string actor_namespace)
      : arbiter(arbiter_number), wire_(address), namespace_(std::move(actor_namespace)) {
    watcher_.emplace(wire_, "", 0, namespace_);
    EXPECT_TRUE(watcher_->skip_snapshot());
  }

  void run() {
    for (int told = 1;; ++told) {
      ASSERT_FALSE(watcher_->next().empty());
      const v1::WatchResponse message = watcher_->last;
      ASSERT_FALSE(message.has_start_over());
      if (message.has_added()) {
        const std::string& id = message.added().actor_id();
        if (id == "last") return;
        EXPECT_FALSE(gone.contains(id)) << id << " is there again";
        came.insert(id);
      } else {
        const std::string& id = message.removed().actor_id();
        EXPECT_TRUE(came.contains(id)) << id << " goes, and never came";
        gone.emplace(id, SteadyClock::now());
      }
      if (told % 20 == 0) watcher_.emplace(wire_, message.epoch(), message.revision(), namespace_);
    }
  }

  const std::size_t arbiter;
  std::set<std::string> came;
  std::map<std::string, Time> gone;

 private:
  Wire wire_;
  std::string namespace_;
  std::optional<Watcher> watcher_;
};

class History : public OverEtcd, public testing::WithParamInterface<int> {
 protected:
  void play_all(const std::vector<Process*>& processes, const std::vector<std::string>& arbiters) {
    for (int i = 0; i < kSeeds && !HasFailure(); ++i)
      play(static_cast<std::uint64_t>(GetParam() * kSeeds + i), processes, arbiters);
  }

 private:
  void play(std::uint64_t seed, const std::vector<Process*>& processes, const std::vector<std::string>& arbiters) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::string actor_namespace = "seed " + std::to_string(seed);
    std::list<Client> clients;
    for (int i = 0; i < kClients; ++i) clients.emplace_back(i, seed, arbiters, actor_namespace);
    std::list<Following> watchers;
    for (std::size_t i = 0; i < kWatchers; ++i)
      watchers.emplace_back(arbiters[i % arbiters.size()], i % arbiters.size(), actor_namespace);
    std::vector<std::jthread> following;
    for (Following& watcher : watchers) following.emplace_back([&] { watcher.run(); });
    std::vector<std::jthread> threads;
    for (Client& client : clients) threads.emplace_back([&] { client.run(); });
    std::minstd_rand random(static_cast<unsigned>(seed));
    for (int i = 0; i < 3; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 30));
      Process& stopped = *processes[random() % processes.size()];
      stopped.signal(SIGSTOP);
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 60));
      stopped.signal(SIGCONT);
    }
    threads.clear();
    Wire wire(arbiters.front());
    for (const std::string name : {"a", "b", "c"})
      EXPECT_TRUE(eventually([&] { return wire.find(name, actor_namespace).empty(); }, kNotice)) << name;
    Tree last(wire, actor_namespace);
    last.add(registration("last", "last"));
    following.clear();
    for (const Client& client : clients) {
      for (const Life& life : client.lives) {
        for (const Following& watcher : watchers) {
          EXPECT_TRUE(watcher.gone.contains(life.id)) << life.id << ": nobody was told of it, or of its end";
        }
      }
      for (const Finding& finding : client.findings) check(finding, clients, watchers);
    }
  }

  static void check(const Finding& finding, const std::list<Client>& clients, const std::list<Following>& watchers) {
    std::size_t known = 0;
    for (const Client& client : clients) {
      for (const Life& life : client.lives) {
        const auto lag = life.arbiter == finding.arbiter ? std::chrono::nanoseconds(0) : kNotice;
        const bool found = finding.ids.contains(life.id);
        known += found ? 1 : 0;
        if (life.name != finding.name) {
          EXPECT_FALSE(found) << life.id << " has another name";
        } else if (found) {
          EXPECT_LE(life.asked_for, finding.end) << life.id << " was found before it was there";
          if (life.possibly_until != Time::max()) {
            EXPECT_GE(life.possibly_until + lag, finding.begin) << life.id << " was found after its end";
          }
        } else {
          EXPECT_FALSE(life.surely_from + lag <= finding.begin && finding.end <= life.surely_until)
              << life.id << " was not found, though it was there";
        }
        for (const Following& watcher : watchers) {
          const auto gone = watcher.gone.find(life.id);
          if (found && watcher.arbiter == finding.arbiter && gone != watcher.gone.end()) {
            EXPECT_LE(finding.begin, gone->second) << life.id << " was found after its end was told";
          }
        }
      }
    }
    EXPECT_EQ(known, finding.ids.size()) << "someone was found who never was";
  }
};

TEST_P(History, of_ten_clients_is_one_that_the_registry_can_have_had) {
  Process one = start_arbiter({"--listen", first_, "--log", "error"});
  play_all({&one}, {first_});
}

TEST_P(History, over_etcd_of_ten_clients_at_two_arbiters_too) {
  serve(1);
  Process one = arbiter(first_);
  Process two = arbiter(second_);
  play_all({&one, &two}, {first_, second_});
}

INSTANTIATE_TEST_SUITE_P(Seeds, History, testing::Range(0, 5));

}  // namespace
}  // namespace tractor::test

TRACTOR_TEST_MAIN(tractor::test::define_etcd)
