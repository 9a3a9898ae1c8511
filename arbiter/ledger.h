// The ledger: what became of the actors that are, or were, registered with this arbiter, in the order of their hybrid
// clocks. Each arbiter has its own: who registers with another is told of there.
//
// The newest kMostInMemory events; with files (ledger_files.h) what those hold. Loop thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "arbiter/ledger_query.h"
#include "runtime/task/condition.h"
#include "runtime/wire/ledger_event.h"

namespace tractor::arbiter {

// An event as it is kept: with the namespace of its tree.
struct LedgerRecord {
  LedgerEvent event = {};
  std::string actor_namespace = {};

  // The order of the ledger. Two with the same place are the same event, told twice.
  bool operator<(const LedgerRecord& other) const;
};

// Whether a query in that namespace asks for it; its limit aside.
bool matches(const LedgerQuery& query, const std::string& actor_namespace, const LedgerRecord& record);

// The newest of all that were added, each once.
class NewestRecords {
 public:
  explicit NewestRecords(std::size_t limit) : limit_(limit) {}
  void add(LedgerRecord record);
  // In their order.
  const std::set<LedgerRecord>& all() const { return records_; }
  // Whether older ones were added, too.
  bool more() const { return more_; }

 private:
  std::size_t limit_;
  std::set<LedgerRecord> records_;
  bool more_ = false;
};

class LedgerFiles;

class Ledger {
 public:
  // About 5 MB of events as they usually are, at most 100.
  static constexpr std::size_t kMostInMemory = 10'000;

  // Without `files`: in memory.
  explicit Ledger(std::unique_ptr<LedgerFiles> files = nullptr);
  ~Ledger();

  // Writes what is added until it is cancelled, and then what is left. What cannot be written is lost, and the log says
  // so.
  void run();
  // Not a checkpoint.
  void add(std::vector<LedgerRecord> records);
  // Parks until all that was added so far is kept, or lost.
  void wait_kept();
  // A checkpoint.
  NewestRecords ask(const LedgerQuery& query, const std::string& actor_namespace);

 private:
  void write();

  NewestRecords in_memory_{kMostInMemory};
  std::unique_ptr<LedgerFiles> files_;
  std::vector<LedgerRecord> to_write_;
  std::uint64_t added_ = 0;
  std::uint64_t kept_ = 0;
  bool failing_ = false;
  Condition changed_;
};

}  // namespace tractor::arbiter
