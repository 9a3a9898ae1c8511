#include "arbiter/ledger_files.h"

#include <fcntl.h>
#include <google/protobuf/io/coded_stream.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/crc.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/log.h"
#include "runtime/wire/ledger_event_codec.h"

namespace tractor::arbiter {
namespace {

constexpr std::string_view kPrefix = "ledger-";
constexpr std::string_view kSuffix = ".log";
constexpr std::size_t kHeaderBytes = 8;
// An event has about 10 kB at most: what says that it has more is none.
constexpr std::uint32_t kMostBytes = 1 << 16;

std::uint32_t checksum(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

void append_number(std::string& to, std::uint32_t number) {
  std::array<std::uint8_t, sizeof number> bytes{};
  google::protobuf::io::CodedOutputStream::WriteLittleEndian32ToArray(number, bytes.data());
  to.append(bytes.begin(), bytes.end());
}

std::uint32_t read_number(const char* from) {
  std::uint32_t number = 0;
  google::protobuf::io::CodedInputStream::ReadLittleEndian32FromArray(reinterpret_cast<const std::uint8_t*>(from),
                                                                      &number);
  return number;
}

void append_record(std::string& to, const LedgerRecord& record) {
  v1::LedgerEvent event = encode(record.event);
  event.set_namespace_(record.actor_namespace);
  const std::string bytes = event.SerializeAsString();
  append_number(to, static_cast<std::uint32_t>(bytes.size()));
  append_number(to, checksum(bytes));
  to += bytes;
}

// Calls `take` for the records of a file up to its end, or to what is no whole record; returns how many bytes they
// have.
std::uint64_t read_records(const std::string& path, const std::function<void(LedgerRecord)>& take) {
  std::ifstream file(path, std::ios::binary);
  std::uint64_t whole = 0;
  std::array<char, kHeaderBytes> header{};
  std::string bytes;
  while (file.read(header.data(), header.size())) {
    const std::uint32_t size = read_number(header.data());
    if (size == 0 || size > kMostBytes) break;  // zeros are what a power failure may leave
    bytes.resize(size);
    v1::LedgerEvent event;
    if (!file.read(bytes.data(), size) || read_number(header.data() + 4) != checksum(bytes) ||
        !event.ParseFromString(bytes))
      break;
    take({.event = decode(event), .actor_namespace = event.namespace_()});
    whole += kHeaderBytes + size;
  }
  return whole;
}

[[noreturn]] void fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

void write_all(int file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot write " + path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

LedgerFiles::LedgerFiles(std::string directory, Options options) : directory_(std::move(directory)), options_(options) {
  try {
    std::filesystem::create_directories(directory_);
    lock_ = try_lock_file(directory_ + "/lock");
    if (!lock_) {
      throw UsageError("another arbiter keeps its ledger in " + directory_ +
                       ": end it, or name another directory in --ledger");
    }
    open_newest();
  } catch (const std::system_error& e) {
    throw UsageError(std::string("the ledger cannot be kept there: ") + e.what());
  }
}

LedgerFiles::~LedgerFiles() {
  if (file_) fdatasync(file_.get());
}

std::string LedgerFiles::path(std::uint64_t number) const {
  return absl::StrFormat("%s/%s%08d%s", directory_, kPrefix, number, kSuffix);
}

// Of the files that there are, oldest first.
std::vector<std::uint64_t> LedgerFiles::numbers() const {
  std::vector<std::uint64_t> numbers;
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    const std::string name = entry.path().filename();
    std::uint64_t number = 0;
    if (name.starts_with(kPrefix) && name.ends_with(kSuffix) &&
        absl::SimpleAtoi(name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()), &number))
      numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

void LedgerFiles::open_newest() {
  const std::vector<std::uint64_t> there = numbers();
  number_ = there.empty() ? 1 : there.back();
  const std::string newest = path(number_);
  file_ = UniqueDescriptor(open(newest.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!file_) fail("cannot open " + newest);
  const std::uint64_t there_are = std::filesystem::file_size(newest);
  size_ = read_records(newest, [](const LedgerRecord&) {});
  if (size_ == there_are) return;
  log::warning(absl::StrCat("the last ", there_are - size_, " bytes of ", newest, " are no whole record: cut off"));
  if (ftruncate(file_.get(), static_cast<off_t>(size_)) != 0) fail("cannot cut " + newest);
}

void LedgerFiles::begin_next() {
  fdatasync(file_.get());
  const std::string next = path(number_ + 1);
  UniqueDescriptor file(open(next.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) fail("cannot open " + next);
  file_ = std::move(file);
  size_ = 0;
  ++number_;
  std::vector<std::uint64_t> there = numbers();
  for (std::size_t i = 0; i + static_cast<std::size_t>(options_.files) < there.size(); ++i)
    std::filesystem::remove(path(there[i]));
}

void LedgerFiles::append(const std::vector<LedgerRecord>& records) {
  if (size_ >= options_.file_bytes) begin_next();
  std::string bytes;
  for (const LedgerRecord& record : records) append_record(bytes, record);
  try {
    write_all(file_.get(), bytes, path(number_));
  } catch (const std::system_error&) {
    static_cast<void>(
        !ftruncate(file_.get(), static_cast<off_t>(size_)));  // what is left of it is cut at the next start
    throw;
  }
  size_ += bytes.size();
}

void LedgerFiles::read(const std::function<void(LedgerRecord)>& take) const {
  for (const std::uint64_t number : numbers()) read_records(path(number), take);
}

}  // namespace tractor::arbiter
