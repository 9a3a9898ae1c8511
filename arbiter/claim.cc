#include "arbiter/claim.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "runtime/process/runtime_directory.h"
#include "runtime/process/tcp_socket.h"
#include "runtime/process/unix_socket.h"
#include "runtime/task/error.h"

namespace tractor::arbiter {
namespace {

// Of the socket at a unix address; whoever serves it holds it.
std::string lock_path(const Address& address) { return address.path + ".lock"; }

Claim of_another(const Address& address) {
  Claim claim;
  claim.address = address;
  return claim;
}

Claim claim_unix(const Address& address) {
  Claim claim = of_another(address);
  claim.lock = try_lock_file(lock_path(address));
  if (!claim.lock) return claim;
  if (unix_socket_answers(address.path)) {
    claim.lock.reset();  // the socket is not ours to remove
    throw UsageError(absl::StrCat(
        "the socket ", address.path, " is in use by something that is no tractor arbiter (it does not hold ",
        lock_path(address), "); name another address in TRACTOR_ARBITER or RunOptions.arbiter"));
  }
  claim.listeners.push_back(listen_on_unix_socket(address.path));
  claim.ours = true;
  return claim;
}

Claim claim_tcp(const Address& address) {
  Claim claim = of_another(address);
  claim.listeners = listen_on_tcp(address).listeners;
  claim.ours = true;
  return claim;
}

}  // namespace

std::string default_address() { return "unix:" + runtime_directory() + "/arbiter.sock"; }

Claim claim(const std::string& text) {
  const Address address = parse_address(text);
  if (address.kind == Address::Kind::unix_socket) return claim_unix(address);
  if (address.port == 0)
    throw UsageError(absl::StrCat("the arbiter address \"", text, "\" needs a port: others must know it"));
  if (tcp_answers(address)) return of_another(address);
  try {
    return claim_tcp(address);
  } catch (const UsageError& e) {
    if (tcp_answers(address)) return of_another(address);  // it was faster
    throw UsageError(absl::StrCat("no arbiter answers at ", text, ", and this program cannot become it: ", e.what()));
  }
}

Claim reclaim(const Address& address) {
  if (address.kind == Address::Kind::unix_socket) return claim_unix(address);
  if (!is_known_without_asking(address.host)) return of_another(address);
  try {
    return claim_tcp(address);
  } catch (const UsageError&) {
    return of_another(address);
  }
}

Claim::~Claim() {
  if (ours && lock) unlink(address.path.c_str());
}

bool is_vacant(const Address& address) {
  return address.kind == Address::Kind::tcp ? !tcp_answers(address)
                                            : static_cast<bool>(try_lock_file(lock_path(address)));
}

}  // namespace tractor::arbiter
