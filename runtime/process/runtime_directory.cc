#include "runtime/process/runtime_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "runtime/log.h"
#include "runtime/task/error.h"
#include "runtime/wire/value.h"

namespace tractor {
namespace {

constexpr const char* kLockName = "lock";
constexpr const char* kTreePrefix = "tree-";

[[noreturn]] void fail(const std::string& what) { throw UsageError(absl::StrCat(what, ": ", std::strerror(errno))); }

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string choose_directory() {
  if (std::string dir = environment("TRACTOR_RUNTIME_DIR"); !dir.empty()) return dir;
  if (std::string dir = environment("XDG_RUNTIME_DIR"); !dir.empty()) return dir + "/tractor";
  std::string temporary = environment("TMPDIR");
  if (temporary.empty()) temporary = "/tmp";
  return absl::StrCat(temporary, "/tractor-", geteuid());
}

UniqueDescriptor open_lock(const std::string& path, int operation) {
  UniqueDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) fail("cannot open the lock file " + path);
  while (flock(file.get(), operation) != 0) {
    if (errno == EWOULDBLOCK) return {};
    if (errno != EINTR) fail("cannot lock " + path);
  }
  return file;
}

// Held while trees' directories are made or swept, so that a new one is never taken for one that nobody holds.
UniqueDescriptor lock_directory(const std::string& directory) {
  return open_lock(directory + "/" + kLockName, LOCK_EX);
}

void remove_if_unheld(const std::string& path) {
  std::error_code ignored;
  {
    const UniqueDescriptor lock(open((path + "/" + kLockName).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (lock ? flock(lock.get(), LOCK_EX | LOCK_NB) != 0 : errno != ENOENT) return;
    std::filesystem::remove_all(path, ignored);
  }
  if (!ignored) log::debug("removed " + path + ", which nobody held");
}

void sweep(const std::string& directory) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    if (entry.path().filename().string().starts_with(kTreePrefix)) remove_if_unheld(entry.path());
  }
}

}  // namespace

std::string runtime_directory() {
  std::string path = choose_directory();
  if (!path.starts_with('/'))
    throw UsageError("the runtime directory \"" + path + "\" must be an absolute path (TRACTOR_RUNTIME_DIR)");
  if (!is_utf8(path) || path.find(',') != std::string::npos) {
    throw UsageError(
        "the path of the runtime directory must be valid UTF-8 without a comma, because gRPC takes no other: " +
        Value(path).describe() + " is not; set TRACTOR_RUNTIME_DIR to another");
  }
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    fail("cannot make the runtime directory " + path + " (set TRACTOR_RUNTIME_DIR to another)");
  }
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) fail("cannot look at the runtime directory " + path);
  const char* wrong = nullptr;
  if (!S_ISDIR(status.st_mode)) {
    wrong = "is not a directory";
  } else if (status.st_uid != geteuid()) {
    wrong = "belongs to another user";
  } else if ((status.st_mode & 077) != 0) {
    wrong = "may be entered by others";
  }
  if (wrong != nullptr) {
    throw UsageError(absl::StrCat(
        "the runtime directory ", path, " ", wrong,
        ": it must be a directory of your own with mode 0700; repair it (chmod 700) or set TRACTOR_RUNTIME_DIR"));
  }
  return path;
}

TreeDirectory TreeDirectory::create(const std::string& tree_id) {
  const std::string directory = runtime_directory();
  const UniqueDescriptor guard = lock_directory(directory);
  sweep(directory);
  const std::string path = absl::StrCat(directory, "/", kTreePrefix, tree_id);
  if (mkdir(path.c_str(), 0700) != 0) fail("cannot make the directory " + path);
  return {path, open_lock(path + "/" + kLockName, LOCK_SH)};
}

TreeDirectory TreeDirectory::join(const std::string& path) {
  return {path, open_lock(path + "/" + kLockName, LOCK_SH)};
}

TreeDirectory::~TreeDirectory() {
  if (!lock_) return;
  lock_.reset();
  try {
    const UniqueDescriptor guard = lock_directory(std::filesystem::path(path_).parent_path());
    remove_if_unheld(path_);
  } catch (const std::exception& e) {
    log::debug(std::string("left for the next start to sweep: ") + e.what());
  }
}

UniqueDescriptor try_lock_file(const std::string& path) { return open_lock(path, LOCK_EX | LOCK_NB); }

}  // namespace tractor
