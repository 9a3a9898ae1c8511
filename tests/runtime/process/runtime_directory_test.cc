#include "runtime/process/runtime_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "runtime/process/unix_socket.h"
#include "runtime/task/error.h"

namespace tractor {
namespace {

namespace fs = std::filesystem;

class RuntimeDirectory : public testing::Test {
 protected:
  RuntimeDirectory() {
    std::string name = "/tmp/tractor-test-XXXXXX";
    root_ = mkdtemp(name.data());
    directory_ = root_ + "/run";
    setenv("TRACTOR_RUNTIME_DIR", directory_.c_str(), 1);
  }
  ~RuntimeDirectory() override {
    unsetenv("TRACTOR_RUNTIME_DIR");
    fs::remove_all(root_);
  }
  std::string refusal() {
    try {
      runtime_directory();
      return "";
    } catch (const UsageError& e) {
      return e.what();
    }
  }
  std::string root_;
  std::string directory_;
};

TEST_F(RuntimeDirectory, is_made_for_its_user_alone) {
  EXPECT_EQ(runtime_directory(), directory_);
  struct stat status {};
  ASSERT_EQ(stat(directory_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
}

TEST_F(RuntimeDirectory, is_refused_when_others_may_enter) {
  fs::create_directory(directory_);
  chmod(directory_.c_str(), 0755);
  EXPECT_NE(refusal().find("may be entered by others"), std::string::npos);
}

TEST_F(RuntimeDirectory, is_refused_when_it_is_a_link_or_a_file) {
  fs::create_directory(root_ + "/elsewhere");
  fs::create_directory_symlink(root_ + "/elsewhere", directory_);
  EXPECT_NE(refusal().find("is not a directory"), std::string::npos);
  fs::remove(directory_);
  std::ofstream(directory_) << "x";
  EXPECT_NE(refusal().find("is not a directory"), std::string::npos);
}

TEST_F(RuntimeDirectory, must_be_absolute) {
  setenv("TRACTOR_RUNTIME_DIR", "relative", 1);
  EXPECT_NE(refusal().find("absolute"), std::string::npos);
}

TEST_F(RuntimeDirectory, a_tree_is_removed_by_the_last_that_leaves) {
  std::string path;
  {
    auto root = std::make_unique<TreeDirectory>(TreeDirectory::create("1"));
    path = root->path();
    const TreeDirectory child = TreeDirectory::join(path);
    root.reset();
    EXPECT_TRUE(fs::exists(path));
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(RuntimeDirectory, a_start_sweeps_what_nobody_holds_and_nothing_else) {
  const TreeDirectory held = TreeDirectory::create("held");
  const std::string abandoned = directory_ + "/tree-abandoned";
  fs::create_directory(abandoned);
  std::ofstream(abandoned + "/lock") << "";
  std::ofstream(abandoned + "/x.sock") << "";
  const TreeDirectory next = TreeDirectory::create("next");
  EXPECT_FALSE(fs::exists(abandoned));
  EXPECT_TRUE(fs::exists(held.path()));
}

TEST_F(RuntimeDirectory, a_socket_path_that_is_too_long_says_the_way_out) {
  try {
    listen_on_unix_socket("/tmp/" + std::string(200, 'x'));
    ADD_FAILURE();
  } catch (const UsageError& e) {
    EXPECT_NE(std::string(e.what()).find("TRACTOR_RUNTIME_DIR"), std::string::npos);
  }
}

TEST_F(RuntimeDirectory, a_file_is_locked_once) {
  const std::string path = runtime_directory() + "/some.lock";
  UniqueDescriptor first = try_lock_file(path);
  EXPECT_TRUE(first);
  EXPECT_FALSE(try_lock_file(path));
  first.reset();
  EXPECT_TRUE(try_lock_file(path));
}

}  // namespace
}  // namespace tractor
