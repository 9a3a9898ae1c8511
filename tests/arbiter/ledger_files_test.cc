// The ledger's files: what survives a crash, and how much they hold.
#include "arbiter/ledger_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "runtime/wire/hybrid_clock.h"

namespace tractor::arbiter {
namespace {

namespace fs = std::filesystem;

class LedgerFilesTest : public testing::Test {
 protected:
  LedgerFilesTest() {
    std::string name = "/tmp/tractor-test-XXXXXX";
    directory_ = std::string(mkdtemp(name.data())) + "/ledger";
  }
  ~LedgerFilesTest() override { fs::remove_all(fs::path(directory_).parent_path()); }

  static std::vector<LedgerRecord> some(int first, int count) {
    std::vector<LedgerRecord> records;
    for (int i = first; i < first + count; ++i) {
      records.push_back({.event = {.kind = LedgerEvent::Kind::ended,
                                   .actor = {.name = "donny", .id = "1"},
                                   .message = std::to_string(i),
                                   .clock = static_cast<std::uint64_t>(i)}});
    }
    return records;
  }
  static std::vector<int> numbers(const LedgerFiles& files) {
    std::vector<int> numbers;
    files.read([&](const LedgerRecord& record) { numbers.push_back(std::stoi(record.event.message)); });
    return numbers;
  }
  static std::vector<int> from_to(int first, int last) {
    std::vector<int> numbers;
    for (int i = first; i <= last; ++i) numbers.push_back(i);
    return numbers;
  }
  std::string file(int number) const { return directory_ + "/ledger-0000000" + std::to_string(number) + ".log"; }

  std::string directory_;
};

TEST_F(LedgerFilesTest, what_was_written_is_read_and_goes_on_after_a_restart) {
  {
    LedgerFiles files(directory_, {});
    EXPECT_TRUE(numbers(files).empty());
    files.append(some(1, 3));
    EXPECT_EQ(numbers(files), from_to(1, 3));
  }
  LedgerFiles files(directory_, {});
  files.append(some(4, 2));
  EXPECT_EQ(numbers(files), from_to(1, 5));
}

TEST_F(LedgerFilesTest, an_event_is_read_as_it_was_written) {
  const LedgerRecord record{.event = {.kind = LedgerEvent::Kind::call_failed,
                                      .actor = {.name = "donny", .id = "1"},
                                      .by = {.name = "gretchen", .id = "2"},
                                      .function = "scene.hi",
                                      .error_type = "std::runtime_error",
                                      .message = "no\nlines",
                                      .pid = 17,
                                      .count = 3,
                                      .clock = HybridClock::at(std::chrono::seconds(5)),
                                      .recorder = {.name = "root", .id = "3"},
                                      .host = "here",
                                      .tree_id = "3"},
                            .actor_namespace = "n"};
  LedgerFiles files(directory_, {});
  files.append({record});
  files.read([&](const LedgerRecord& read) {
    EXPECT_EQ(read.event, record.event);
    EXPECT_EQ(read.actor_namespace, "n");
  });
}

TEST_F(LedgerFilesTest, wherever_the_last_write_was_torn_what_is_whole_stays_and_the_next_goes_after_it) {
  std::uint64_t two = 0;
  {
    LedgerFiles files(directory_, {});
    files.append(some(1, 2));
    two = fs::file_size(file(1));
    files.append(some(3, 1));
  }
  const std::uint64_t three = fs::file_size(file(1));
  const std::string whole = directory_ + ".whole";
  fs::copy_file(file(1), whole);
  for (std::uint64_t size = two; size < three; ++size) {
    fs::copy_file(whole, file(1), fs::copy_options::overwrite_existing);
    fs::resize_file(file(1), size);
    LedgerFiles files(directory_, {});
    EXPECT_EQ(fs::file_size(file(1)), two);
    files.append(some(4, 1));
    EXPECT_EQ(numbers(files), (std::vector<int>{1, 2, 4}));
  }
}

TEST_F(LedgerFilesTest, zeros_at_the_end_are_no_events) {
  { LedgerFiles(directory_, {}).append(some(1, 2)); }
  const std::uint64_t two = fs::file_size(file(1));
  fs::resize_file(file(1), two + 4096);
  LedgerFiles files(directory_, {});
  EXPECT_EQ(fs::file_size(file(1)), two);
  EXPECT_EQ(numbers(files), (std::vector<int>{1, 2}));
}

TEST_F(LedgerFilesTest, a_byte_that_has_changed_is_no_event) {
  {
    LedgerFiles files(directory_, {});
    files.append(some(1, 2));
  }
  const std::uint64_t size = fs::file_size(file(1));
  for (std::uint64_t at = size / 2; at < size; ++at) {
    std::fstream bytes(file(1), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekg(static_cast<std::streamoff>(at));
    const int byte = bytes.get();
    bytes.seekp(static_cast<std::streamoff>(at));
    bytes.put(static_cast<char>(byte ^ 0x10));
    bytes.flush();
    const fs::path copy = directory_ + ".copy";
    fs::copy(directory_, copy, fs::copy_options::recursive);
    EXPECT_EQ(numbers(LedgerFiles(copy, {})), (std::vector<int>{1})) << at;
    fs::remove_all(copy);
    bytes.seekp(static_cast<std::streamoff>(at));
    bytes.put(static_cast<char>(byte));
  }
}

TEST_F(LedgerFilesTest, a_full_file_is_followed_by_another_and_the_oldest_goes) {
  LedgerFiles files(directory_, {.file_bytes = 1, .files = 3});  // full with the first
  for (int i = 1; i <= 5; ++i) files.append(some(i, 1));
  EXPECT_EQ(numbers(files), from_to(3, 5));
  EXPECT_FALSE(fs::exists(file(2)));
  EXPECT_TRUE(fs::exists(file(3)));
}

TEST_F(LedgerFilesTest, two_do_not_write_in_one_directory) {
  const LedgerFiles files(directory_, {});
  try {
    const LedgerFiles second(directory_, {});
    FAIL() << "nothing was thrown";
  } catch (const UsageError& e) {
    EXPECT_NE(std::string(e.what()).find("another arbiter keeps its ledger in " + directory_), std::string::npos);
  }
}

TEST_F(LedgerFilesTest, a_directory_that_cannot_be_made_is_named) {
  try {
    const LedgerFiles files("/proc/nowhere/ledger", {});
    FAIL() << "nothing was thrown";
  } catch (const UsageError& e) {
    EXPECT_NE(std::string(e.what()).find("/proc/nowhere"), std::string::npos) << e.what();
  }
}

TEST_F(LedgerFilesTest, what_does_not_fit_on_the_disk_is_all_left_out_and_the_next_is_written_again) {
  LedgerFiles files(directory_, {});
  files.append(some(1, 2));
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{.rlim_cur = fs::file_size(file(1)) + 100, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &tight);
  EXPECT_THROW(files.append(some(3, 10)), std::system_error);
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(numbers(files), from_to(1, 2));
  files.append(some(20, 1));
  EXPECT_EQ(numbers(files), (std::vector<int>{1, 2, 20}));
}

}  // namespace
}  // namespace tractor::arbiter
