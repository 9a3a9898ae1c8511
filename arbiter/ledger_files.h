// The ledger in files: "ledger-00000001.log" and so on in a directory, oldest first.
//
// A record is its length and its CRC-32 (both 4 bytes, little-endian), then a tractor.v1.LedgerEvent. Records are
// written whole, with one write; what a crash has left torn at the end of the last file is cut off at the next start.
// So an event that was acknowledged survives a kill -9 of the arbiter; not a power failure, for a file is synchronized
// to the disk only when it is full. Full files are kept up to a number, then the oldest goes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "arbiter/ledger.h"
#include "runtime/process/runtime_directory.h"

namespace tractor::arbiter {

class LedgerFiles {
 public:
  struct Options {
    std::uint64_t file_bytes = std::uint64_t{16} << 20;  // a file is full when it has so many
    int files = 8;
  };
  // Makes the directory, if it is missing, and goes on where the last arbiter stopped. UsageError when it cannot be
  // written, or another arbiter has it.
  LedgerFiles(std::string directory, Options options);
  ~LedgerFiles();

  // All or none of them. One thread at a time. std::system_error.
  void append(const std::vector<LedgerRecord>& records);
  // Calls `take` for every record, in the order in which they were written; also while others are. Any thread.
  // std::system_error.
  void read(const std::function<void(LedgerRecord)>& take) const;

 private:
  std::string path(std::uint64_t number) const;
  std::vector<std::uint64_t> numbers() const;
  void open_newest();
  void begin_next();

  const std::string directory_;
  const Options options_;
  UniqueDescriptor lock_;
  UniqueDescriptor file_;
  std::uint64_t number_ = 0;  // of the file
  std::uint64_t size_ = 0;
};

}  // namespace tractor::arbiter
