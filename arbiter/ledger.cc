#include "arbiter/ledger.h"

#include <tuple>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "arbiter/ledger_files.h"
#include "runtime/log.h"
#include "runtime/metrics/metrics.h"
#include "runtime/task/cancel_scope.h"
#include "runtime/task/worker_threads.h"

namespace tractor::arbiter {

bool LedgerRecord::operator<(const LedgerRecord& other) const {
  return std::tie(event.clock, event.recorder.id) < std::tie(other.event.clock, other.event.recorder.id);
}

bool matches(const LedgerQuery& query, const std::string& actor_namespace, const LedgerRecord& record) {
  const LedgerEvent& event = record.event;
  return record.actor_namespace == actor_namespace &&
         (query.actor.empty() || query.actor == event.actor.id || query.actor == event.actor.name) &&
         (query.tree_id.empty() || query.tree_id == event.tree_id) &&
         (query.kinds.empty() || query.kinds.contains(event.kind)) && (!query.since || event.time() >= *query.since) &&
         (!query.until || event.time() < *query.until);
}

void NewestRecords::add(LedgerRecord record) {
  if (records_.size() == limit_ && (limit_ == 0 || record < *records_.begin())) {
    more_ = true;
    return;
  }
  records_.insert(std::move(record));
  if (records_.size() <= limit_) return;
  records_.erase(records_.begin());
  more_ = true;
}

Ledger::Ledger(std::unique_ptr<LedgerFiles> files) : files_(std::move(files)) {}

Ledger::~Ledger() = default;

void Ledger::add(std::vector<LedgerRecord> records) {
  metrics::count(metrics::Counter::events, records.size());
  if (files_ == nullptr) {
    for (LedgerRecord& record : records) in_memory_.add(std::move(record));
    return;
  }
  added_ += records.size();
  to_write_.insert(to_write_.end(), std::make_move_iterator(records.begin()), std::make_move_iterator(records.end()));
  changed_.notify();
}

void Ledger::wait_kept() {
  if (files_ == nullptr) return;
  changed_.wait_until("events to be written", [this, all = added_] { return kept_ >= all; });
}

void Ledger::run() {
  if (files_ == nullptr) return;
  const absl::Cleanup write_the_rest = [this] { CancelScope({.shield = true}).run([this] { write(); }); };
  while (true) {
    changed_.wait_until("events to write", [this] { return !to_write_.empty(); });
    write();
  }
}

void Ledger::write() {
  if (to_write_.empty()) return;
  const std::vector<LedgerRecord> records = std::exchange(to_write_, {});
  try {  // also what was taken when this is cancelled
    CancelScope({.shield = true}).run([&] { to_thread([&] { files_->append(records); }); });
    failing_ = false;
  } catch (const std::exception& e) {
    if (!std::exchange(failing_, true)) log::error(std::string("events are lost: ") + e.what());
  }
  kept_ += records.size();
  changed_.notify();
}

NewestRecords Ledger::ask(const LedgerQuery& query, const std::string& actor_namespace) {
  NewestRecords answer(query.limit);
  const auto take = [&](LedgerRecord record) {
    if (matches(query, actor_namespace, record)) answer.add(std::move(record));
  };
  if (files_ == nullptr) {
    for (const LedgerRecord& record : in_memory_.all()) take(record);
  } else {
    wait_kept();
    to_thread([&] { files_->read(take); });
  }
  return answer;
}

}  // namespace tractor::arbiter
