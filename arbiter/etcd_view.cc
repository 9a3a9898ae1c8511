#include "arbiter/etcd_view.h"

#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "runtime/log.h"
#include "runtime/task/condition.h"
#include "runtime/wire/actor_info_codec.h"
#include "runtime/wire/duration_text.h"
#include "runtime/wire/identity.h"
#include "runtime/wire/remote_error.h"

namespace tractor::arbiter {
namespace {

const std::string kPrefix = "/tractor/v1/actors";
const std::string kClaims = "/tractor/v1/claims";
// A name that the first arbiter gives to what this etcd has: another one after its data were lost or replaced.
const std::string kEpochKey = "/tractor/v1/epoch";
constexpr std::int64_t kPage = 1000;
constexpr Clock::duration kRetryPause = std::chrono::milliseconds(200);

// So that a slash separates.
std::string escape(const std::string& text) { return absl::StrReplaceAll(text, {{"%", "%25"}, {"/", "%2F"}}); }
std::string unescape(std::string_view text) {
  return absl::StrReplaceAll(absl::string_view(text.data(), text.size()), {{"%2F", "/"}, {"%25", "%"}});
}

// What a key and its value mean; nothing for what is not ours.
std::optional<View::Change> change_of(const mvccpb::KeyValue& kv, bool deleted) {
  const std::string_view key = kv.key();
  const std::size_t slash = key.rfind('/');
  if (slash == std::string_view::npos || slash <= kPrefix.size()) return std::nullopt;
  View::Change change{.actor_namespace = unescape(key.substr(kPrefix.size() + 1, slash - kPrefix.size() - 1)),
                      .added = nullptr,
                      .removed_id = unescape(key.substr(slash + 1)),
                      .holder = static_cast<View::Holder>(kv.lease())};
  if (deleted) return change;
  v1::Registration registration;
  if (!registration.ParseFromString(kv.value()) || registration.actor_id() != change.removed_id) {
    log::warning(absl::StrCat("ignored what etcd has under ", absl::CHexEscape(kv.key()), ": it is no registration"));
    return change;  // what was there before is not any more
  }
  change.added = std::make_shared<const ActorInfo>(decode(registration));
  return change;
}

}  // namespace

const std::string kActorsBegin = kPrefix + "/";
const std::string kActorsEnd = kPrefix + "0";  // the character after a slash

std::string actor_key(const std::string& actor_namespace, const std::string& id) {
  return absl::StrCat(kPrefix, "/", escape(actor_namespace), "/", escape(id));
}

std::string claim_key(const std::string& actor_namespace, const std::string& name) {
  return absl::StrCat(kClaims, "/", escape(actor_namespace), "/", escape(name));
}

EtcdView::EtcdView(EtcdClient& client, View& view, std::function<void()> changed, std::function<void()> replaced)
    : client_(client), view_(view), changed_(std::move(changed)), replaced_(std::move(replaced)) {}

void EtcdView::read_first(Clock::duration timeout) {
  const Clock::time_point deadline = deadline_after(timeout);
  for (bool told = false;; told = true) {
    try {
      const Snapshot snapshot = read_all();
      view_.reset(snapshot.actors, snapshot.revision);
      epoch_ = snapshot.epoch;
      return set_stale(false, "");
    } catch (const CallError& e) {
      if (Clock::now() >= deadline) {
        throw StoreUnreachable(absl::StrCat(e.what(), ": given up after ", duration_text(timeout),
                                            "; start it, or name its members in --store"));
      }
      if (!told) {
        log::warning(absl::StrCat(e.what(), "; trying for ", duration_text(timeout)));
      }
    }
    sleep(kRetryPause);
  }
}

EtcdView::Identity EtcdView::identify() {
  // A cluster that is restored from a backup, which has our key, is another one.
  const auto identity = [](const std::string& epoch, const etcdserverpb::ResponseHeader& header) {
    return Identity{.epoch = absl::StrCat(epoch, "@", absl::Hex(header.cluster_id())),
                    .revision = static_cast<std::uint64_t>(header.revision())};
  };
  etcdserverpb::RangeRequest known;  // first: an etcd that is full can still be read
  known.set_key(kEpochKey);
  if (const auto found = client_.range(known); !found.kvs().empty())
    return identity(found.kvs(0).value(), found.header());

  etcdserverpb::TxnRequest request;
  etcdserverpb::Compare& absent = *request.add_compare();
  absent.set_target(etcdserverpb::Compare::MOD);
  absent.set_key(kEpochKey);
  absent.set_mod_revision(0);
  etcdserverpb::PutRequest& put = *request.add_success()->mutable_request_put();
  put.set_key(kEpochKey);
  put.set_value(random_id());
  request.add_failure()->mutable_request_range()->set_key(kEpochKey);
  const etcdserverpb::TxnResponse response = client_.transact(request);
  return identity(response.succeeded() ? put.value() : response.responses(0).response_range().kvs(0).value(),
                  response.header());
}

EtcdView::Snapshot EtcdView::read_all() {
  Snapshot snapshot;
  snapshot.epoch = identify().epoch;
  etcdserverpb::RangeRequest request;
  request.set_key(kActorsBegin);
  request.set_range_end(kActorsEnd);
  request.set_limit(kPage);
  while (true) {
    const etcdserverpb::RangeResponse page = client_.range(request);
    if (request.revision() == 0) {
      snapshot.revision = static_cast<std::uint64_t>(page.header().revision());
      request.set_revision(page.header().revision());
    }
    for (const mvccpb::KeyValue& kv : page.kvs()) {
      if (auto change = change_of(kv, false); change && change->added != nullptr)
        snapshot.actors.push_back(std::move(*change));
    }
    if (!page.more() || page.kvs().empty()) return snapshot;
    request.set_key(page.kvs().rbegin()->key() + std::string(1, '\0'));
  }
}

void EtcdView::follow() {
  while (true) {
    std::string why;
    bool away = false;
    try {
      const Identity now = identify();
      // When it was away: a watch that is behind may say that it is up to date, and one that nothing happens to may not
      // say so (etcd 3.4 and 3.5, issues 15220 and 17507). One that begins at a snapshot is neither.
      if (needs_snapshot_ || stale_ || now.epoch != epoch_ || now.revision < view_.revision()) catch_up();
      why = client_.watch([this](EtcdClient::WatchStream& stream) { follow_on(stream); });
      away = ++failures_ >= client_.endpoints().size();  // else the next member may do
    } catch (const CallError& e) {
      why = e.what();
      away = true;
    }
    throw_if_cancelled();
    log::debug(absl::StrCat("etcd's changes are followed no longer: ", why));
    if (!away) continue;
    set_stale(true, why);
    sleep(kRetryPause);
  }
}

// From a snapshot, when etcd does not know the single changes any more, or is another one.
void EtcdView::catch_up() {
  const Snapshot snapshot = read_all();
  if (snapshot.epoch != epoch_ || snapshot.revision < view_.revision()) {  // its data were lost, or a backup is used
    epoch_ = snapshot.epoch;
    view_.reset(snapshot.actors, snapshot.revision);
    replaced_();
  } else {
    std::set<std::pair<std::string, std::string>> there;
    std::vector<View::Change> changes;
    for (const View::Change& now : snapshot.actors) {
      there.emplace(now.actor_namespace, now.added->id);
      const auto known = view_.by_id(now.actor_namespace, now.added->id);
      if (!known || *known->actor != *now.added || known->holder != now.holder) changes.push_back(now);
    }
    for (const View::Change& before : view_.all()) {
      if (!there.contains({before.actor_namespace, before.added->id})) {
        changes.push_back(
            {.actor_namespace = before.actor_namespace, .added = nullptr, .removed_id = before.added->id});
      }
    }
    view_.apply(changes, snapshot.revision);
  }
  needs_snapshot_ = false;
  changed_();
}

void EtcdView::follow_on(EtcdClient::WatchStream& stream) {
  etcdserverpb::WatchRequest request;
  request.mutable_create_request()->set_key(kActorsBegin);
  request.mutable_create_request()->set_range_end(kActorsEnd);
  request.mutable_create_request()->set_start_revision(static_cast<std::int64_t>(view_.revision()) + 1);
  if (!stream.write(request)) return;
  heard_of_ = Clock::now();
  bool ended = false;
  Condition end;
  open_task_nursery([&](TaskNursery& tasks) {
    tasks.start_soon([&] {  // ends with the stream, whatever is cancelled
      CancelScope({.shield = true}).run([&] {
        while (!ended && ask_for_a_sign_of_life(stream))
          move_on_after(kAskInterval, [&] { end.wait_until("the end of etcd's changes", [&] { return ended; }); });
      });
    });
    etcdserverpb::WatchResponse response;
    while (stream.read(response) && receive(response)) {
    }
    ended = true;
    end.notify();
    stream.cancel();
  });
}

bool EtcdView::ask_for_a_sign_of_life(EtcdClient::WatchStream& stream) {
  if (Clock::now() - heard_of_ > kMemberSilence) {
    stream.cancel();
    return false;
  }
  etcdserverpb::WatchRequest request;
  request.mutable_progress_request();
  return stream.write(request);
}

bool EtcdView::receive(const etcdserverpb::WatchResponse& response) {
  heard_of_ = Clock::now();
  if (response.canceled()) {
    needs_snapshot_ = response.compact_revision() != 0;
    log::warning(absl::StrCat("etcd at ", client_.member(), " tells no changes: ",
                              needs_snapshot_ ? "those since then are compacted" : response.cancel_reason()));
    return false;
  }
  failures_ = 0;
  if (!response.created()) set_stale(false, "");  // what comes after that is up to date
  std::vector<View::Change> changes;              // those of one revision
  for (int i = 0; i < response.events_size(); ++i) {
    const mvccpb::Event& event = response.events(i);
    if (auto change = change_of(event.kv(), event.type() == mvccpb::Event::DELETE))
      changes.push_back(std::move(*change));
    if (i + 1 < response.events_size() && response.events(i + 1).kv().mod_revision() == event.kv().mod_revision())
      continue;
    view_.apply(std::exchange(changes, {}), static_cast<std::uint64_t>(event.kv().mod_revision()));
  }
  if (!response.events().empty()) changed_();
  return true;
}

void EtcdView::set_stale(bool stale, const std::string& why) {
  if (std::exchange(stale_, stale) == stale) return;
  if (stale) {
    log::error(absl::StrCat("etcd is away (", why, "): serving what was known, marked stale; registering nobody"));
  } else {
    log::info(absl::StrCat("etcd at ", client_.member(), " answers: the view is up to date"));
  }
  changed_();
}

}  // namespace tractor::arbiter
