#include "arbiter/make_store.h"

#include "absl/strings/str_cat.h"
#include "arbiter/addresses.h"
#include "arbiter/etcd_store.h"
#include "arbiter/registry.h"

namespace tractor::arbiter {
namespace {

constexpr std::string_view kEtcd = "etcd://";

}  // namespace

std::unique_ptr<Store> make_store(const std::string& text, Clock::duration start_timeout) {
  if (text == "memory") return std::make_unique<Registry>();
  if (text.starts_with(kEtcd)) {
    try {
      return std::make_unique<EtcdStore>(parse_addresses(text.substr(kEtcd.size())), start_timeout);
    } catch (const UsageError& e) {
      throw UsageError(absl::StrCat("the store \"", text, "\": ", e.what()));
    }
  }
  throw UsageError(absl::StrCat("no store \"", text, "\": write memory, or etcd://host:port,host:port"));
}

}  // namespace tractor::arbiter
