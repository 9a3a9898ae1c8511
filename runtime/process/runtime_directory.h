// Where sockets and locks live: one directory per user, refused when others may enter it, and in it one directory per
// tree of actors.
//
// A tree's directory is held by a shared flock of each of its processes; any start removes those that nobody holds.
// Throws UsageError with a way out. Any thread.
#pragma once

#include <string>

#include "runtime/unique_descriptor.h"

namespace tractor {

// TRACTOR_RUNTIME_DIR, else $XDG_RUNTIME_DIR/tractor, else tractor-UID under $TMPDIR or /tmp; made with mode 0700 when
// it is not there.
std::string runtime_directory();

class TreeDirectory {
 public:
  // A new one, for a root; sweeps first.
  static TreeDirectory create(const std::string& tree_id);
  // The one of our tree, in a child.
  static TreeDirectory join(const std::string& path);
  TreeDirectory(TreeDirectory&&) = default;
  TreeDirectory& operator=(TreeDirectory&&) = delete;
  // The last of the tree removes the directory.
  ~TreeDirectory();

  const std::string& path() const { return path_; }

 private:
  TreeDirectory(std::string path, UniqueDescriptor lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  UniqueDescriptor lock_;
};

// An exclusive flock on a file, made when it is not there; empty when another process holds it.
UniqueDescriptor try_lock_file(const std::string& path);

}  // namespace tractor
