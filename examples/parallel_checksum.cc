// The SHA-256 of every file below a directory, computed by actors on all cores.
//   parallel_checksum DIR [--workers N]
// It prints, byte for byte, what `find DIR -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum` prints.
//
// The root lists the files, sorts them, and cuts the list into batches that cost about the same. Each worker is a
// daemon actor with a task in the root that calls it with one batch after another; another task prints the results in
// order, as they become complete from the front. A worker hashes in a thread (in_thread), so that it hears of a cancel
// meanwhile.
#include <fcntl.h>
#include <fts.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <tractor/tractor.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <deque>
#include <iostream>
#include <memory>
#include <system_error>
#include <thread>

#include "write_out.h"

using namespace std::chrono_literals;

// --- what the workers do ---

struct Checksum {
  std::string hex;  // empty when the file could not be read
  int error = 0;    // the errno that says why
};
BOOST_DESCRIBE_STRUCT(Checksum, (), (hex, error))

class Sha256 {
 public:
  Sha256() { start(); }

  void add(const unsigned char* data, std::size_t size) { check(EVP_DigestUpdate(context_.get(), data, size)); }

  // The checksum of what was added; the next one starts empty.
  std::string finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    check(EVP_DigestFinal_ex(context_.get(), digest.data(), &size));
    start();
    std::string hex;
    hex.reserve(2 * size);
    for (unsigned i = 0; i < size; ++i) {
      hex += "0123456789abcdef"[digest[i] >> 4];
      hex += "0123456789abcdef"[digest[i] & 15];
    }
    return hex;
  }

 private:
  void start() { check(EVP_DigestInit_ex2(context_.get(), kind_.get(), nullptr)); }
  static void check(int good) {
    if (good != 1) throw std::runtime_error("OpenSSL cannot compute a SHA-256");
  }

  std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> kind_{EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_free};
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_{EVP_MD_CTX_new(), EVP_MD_CTX_free};
};

Checksum hash_file(const std::stop_token& stop, const std::string& name, Sha256& sha256,
                   std::vector<unsigned char>& buffer) {
  const int file = open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {.hex = {}, .error = errno};
  ssize_t size = 0;
  int error = 0;
  do {
    size = read(file, buffer.data(), buffer.size());
    error = size < 0 ? errno : 0;
    if (size > 0) sha256.add(buffer.data(), static_cast<std::size_t>(size));
  } while ((size > 0 || error == EINTR) && !stop.stop_requested());
  close(file);
  std::string hex = sha256.finish();
  if (error != 0) return {.hex = {}, .error = error};
  return {.hex = std::move(hex)};
}

// One for each name. Cut short when it is cancelled: nobody sees the result then.
std::vector<Checksum> hash_files(std::stop_token stop, const std::vector<std::string>& names) {
  Sha256 sha256;
  std::vector<unsigned char> buffer(256 * 1024);
  std::vector<Checksum> checksums;
  checksums.reserve(names.size());
  for (const std::string& name : names) {
    if (stop.stop_requested()) break;
    checksums.push_back(hash_file(stop, name, sha256, buffer));
  }
  return checksums;
}

// --- which files ---

struct File {
  std::string name;
  std::uintmax_t size;
};
struct Listing {
  std::vector<File> files;            // sorted by the bytes of their names
  std::vector<std::string> problems;  // messages about what could not be looked into
};

// How sha256sum writes a name; a line with such a name begins with a backslash.
std::string escaped(const std::string& name) {
  std::string out;
  for (char c : name) {
    const char shown = c == '\n' ? 'n' : c == '\r' ? 'r' : c;
    if (shown != c || c == '\\') out += '\\';
    out += shown;
  }
  return out;
}

std::string problem(const std::string& name, int error) {
  return escaped(name) + ": " + std::generic_category().message(error);
}

// All regular files at or below the path, as find names them. Symbolic links are not followed. It blocks, so it runs in
// a thread.
Listing list_files(const std::stop_token& stop, std::string path) {
  Listing listing;
  const std::array<char*, 2> roots{path.data(), nullptr};
  const std::unique_ptr<FTS, decltype(&fts_close)> tree(fts_open(roots.data(), FTS_PHYSICAL | FTS_NOCHDIR, nullptr),
                                                        fts_close);
  if (tree == nullptr) return {.files = {}, .problems = {problem(path, errno)}};
  errno = 0;
  while (const FTSENT* entry = stop.stop_requested() ? nullptr : fts_read(tree.get())) {
    const int kind = entry->fts_info;
    if (kind == FTS_F) {
      listing.files.push_back({entry->fts_path, static_cast<std::uintmax_t>(entry->fts_statp->st_size)});
    } else if (kind == FTS_DNR || kind == FTS_ERR || kind == FTS_NS) {
      listing.problems.push_back(problem(entry->fts_path, entry->fts_errno));
    } else if (kind == FTS_DC) {
      listing.problems.push_back(problem(entry->fts_path, ELOOP));
    }
  }
  if (errno != 0) listing.problems.push_back(problem(path, errno));
  std::ranges::sort(listing.files, {}, &File::name);
  return listing;
}

// --- the root ---

// Neighbours in the sorted list that one call hashes.
struct Batch {
  std::size_t first = 0;
  std::size_t last = 0;  // the one after
  std::uintmax_t cost = 0;
  std::string lines = {};  // what is to be printed, once it is hashed
  std::string problems = {};
  tractor::Event hashed;
};

// What else a file takes is as long as to hash so many bytes: 5 us, at 1.4 GB/s (measured, with SHA extensions).
constexpr std::uintmax_t kCostPerFile = 8 * 1024;
// A batch takes from 1 ms to about 25 ms: long against the 0.2 ms of a call, short against the whole.
constexpr std::uintmax_t kSmallBatch = 1 << 20;
constexpr std::uintmax_t kLargeBatch = 32 << 20;
constexpr std::uintmax_t kBatchesPerWorker = 32;

std::uintmax_t cost_of(const File& file) { return file.size + kCostPerFile; }

// A line on a terminal that shows how far we are; nothing where stderr is something else.
class Progress {
 public:
  explicit Progress(std::size_t files) : files_(files) {}
  ~Progress() { erase(); }

  void add(std::size_t files, std::uintmax_t bytes) {
    files_done_ += files;
    bytes_done_ += bytes;
  }
  void draw() {
    if (!terminal_ || held_) return;
    const double seconds = std::chrono::duration<double>(tractor::Clock::now() - begin_).count();
    const auto rate = static_cast<std::uintmax_t>(static_cast<double>(bytes_done_) / 1e6 / std::max(seconds, 0.001));
    std::cerr << "\r\x1b[K" << files_done_ << " / " << files_ << " files, " << rate << " MB/s" << std::flush;
    drawn_ = true;
  }
  void erase() {
    if (drawn_) std::cerr << "\r\x1b[K" << std::flush;
    drawn_ = false;
  }
  // Keeps silent while something else is written, which may go to the same terminal.
  template <class F>
  void hold_while(F&& body) {
    erase();
    held_ = true;
    body();
    held_ = false;
  }

 private:
  const bool terminal_ = isatty(STDERR_FILENO) == 1;
  const tractor::Clock::time_point begin_ = tractor::Clock::now();
  std::size_t files_;
  std::size_t files_done_ = 0;
  std::uintmax_t bytes_done_ = 0;
  bool drawn_ = false;
  bool held_ = false;
};

// One run over a list of files. It outlives the nurseries, whose tasks share it; all of them run on the root's loop, so
// it needs no lock.
class Run {
 public:
  Run(std::vector<File> files, std::size_t workers)
      : files_(std::move(files)), workers_(workers), progress_(files_.size()) {
    cut_into_batches();
    workers_ = std::min(workers_, batches_.size());
  }

  // Prints all checksums. Whether every file could be read.
  bool hash_and_print() {
    tractor::open_nursery([this](tractor::ActorNursery& actors) {
      tractor::open_task_nursery([this, &actors](tractor::TaskNursery& tasks) {
        for (std::size_t i = 1; i <= workers_; ++i) tasks.start_soon([this, &actors, i] { use_worker(actors, i); });
        tractor::open_task_nursery([this](tractor::TaskNursery& meanwhile) {
          meanwhile.start_soon([this] { show_progress(); });
          print_in_order();
          meanwhile.cancel_scope().cancel();
        });
      });
    });
    return all_read_;
  }

 private:
  void cut_into_batches() {
    std::uintmax_t total = 0;
    for (const File& file : files_) total += cost_of(file);
    const std::uintmax_t enough = std::clamp(total / (workers_ * kBatchesPerWorker), kSmallBatch, kLargeBatch);
    for (std::size_t i = 0; i < files_.size(); ++i) {
      // A large file has a batch of its own.
      if (batches_.empty() || batches_.back().cost + cost_of(files_[i]) > enough) batches_.emplace_back().first = i;
      batches_.back().last = i + 1;
      batches_.back().cost += cost_of(files_[i]);
    }
    for (Batch& batch : batches_) to_do_.push_back(&batch);
    if (workers_ > 1) {
      // Files so large that a worker would still be busy with one when the others have ended are begun first.
      std::ranges::stable_partition(to_do_, [&](const Batch* b) { return b->cost > total / (4 * workers_); });
    }
  }

  // Starts a worker, feeds it until nothing is left to do, and ends it. A worker that dies makes the call throw, which
  // ends everything.
  void use_worker(tractor::ActorNursery& actors, std::size_t number) {
    tractor::Portal worker = actors.start_actor("worker" + std::to_string(number), {.modules = {"checksum"}});
    while (!to_do_.empty()) {
      Batch& batch = *to_do_.front();
      to_do_.pop_front();
      std::vector<std::string> names;
      for (std::size_t i = batch.first; i < batch.last; ++i) names.push_back(files_[i].name);
      take(batch, worker.run(hash_files, names));
    }
    worker.cancel_actor();
  }

  void take(Batch& batch, const std::vector<Checksum>& checksums) {
    std::uintmax_t bytes = 0;
    for (std::size_t i = batch.first; i < batch.last; ++i) {
      const std::string name = std::exchange(files_[i].name, {});
      const Checksum& checksum = checksums.at(i - batch.first);
      if (checksum.error != 0) {
        batch.problems += "parallel_checksum: " + problem(name, checksum.error) + '\n';
        continue;
      }
      const std::string shown = escaped(name);
      batch.lines += (shown == name ? "" : "\\") + checksum.hex + "  " + shown + '\n';
      bytes += files_[i].size;
    }
    progress_.add(batch.last - batch.first, bytes);
    batch.hashed.set();
  }

  void print_in_order() {
    for (Batch& batch : batches_) {
      batch.hashed.wait();
      progress_.hold_while([&] {
        if (!batch.problems.empty()) all_read_ = false;
        std::cerr << batch.problems;
        tractor::to_thread([&](const std::stop_token& stop) { write_out(stop, batch.lines); });
      });
      batch.lines = {};
    }
  }

  void show_progress() {
    while (true) {
      progress_.draw();
      tractor::sleep(200ms);
    }
  }

  std::vector<File> files_;
  std::size_t workers_;
  std::deque<Batch> batches_;  // in the order of the files
  std::deque<Batch*> to_do_;
  Progress progress_;
  bool all_read_ = true;
};

// --- the program ---

constexpr const char* kUsage =
    "usage: parallel_checksum DIR [--workers N] [--help]\n"
    "Prints the SHA-256 of every regular file at or below DIR, as\n"
    "  find DIR -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum\n"
    "does, computed by N actors, from 1 to 256 (default: one for each hardware thread).\n"
    "Exit status 1 when something could not be read, 2 for a wrong command line.\n";

struct Options {
  std::string directory = {};
  std::size_t workers = std::clamp(std::thread::hardware_concurrency(), 1U, 256U);
  bool help = false;
};

// Throws std::invalid_argument.
Options parse(const std::vector<std::string>& arguments) {
  Options options;
  bool directory_given = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string argument = arguments[i];
    if (argument == "--help" || argument == "-h") {
      options.help = true;
    } else if (argument == "--workers" || argument.starts_with("--workers=")) {
      std::string number;
      if (argument != "--workers") {
        number = argument.substr(argument.find('=') + 1);
      } else if (++i < arguments.size()) {
        number = arguments[i];
      }
      const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), options.workers);
      if (error != std::errc() || end != number.data() + number.size() || options.workers < 1 ||
          options.workers > 256) {
        throw std::invalid_argument("--workers wants a number from 1 to 256, got \"" + number + '"');
      }
    } else if (argument.size() > 1 && argument.front() == '-') {
      throw std::invalid_argument("unknown option " + argument + "; a directory of that name is ./" + argument);
    } else if (directory_given) {
      throw std::invalid_argument("one directory, please: got \"" + options.directory + "\" and \"" + argument + '"');
    } else {
      options.directory = std::move(argument);
      directory_given = true;
    }
  }
  if (!directory_given && !options.help) throw std::invalid_argument("which directory?");
  return options;
}

int checksum(const Options& options) {
  Listing listing =
      tractor::to_thread([&](const std::stop_token& stop) { return list_files(stop, options.directory); });
  for (const std::string& text : listing.problems) std::cerr << "parallel_checksum: " << text << '\n';
  bool good = listing.problems.empty();
  if (listing.files.empty()) return good ? 0 : 1;
  try {
    good = Run(std::move(listing.files), options.workers).hash_and_print() && good;
  } catch (const std::system_error& e) {
    std::cerr << "parallel_checksum: " << e.what() << '\n';
    good = false;
  }
  return good ? 0 : 1;
}

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("checksum").def("hash_files", hash_files, "names", tractor::in_thread);
  program.serve_if_child();  // a worker has nothing to do with what follows
  try {
    const Options options = parse({argv + 1, argv + argc});
    if (options.help) {
      std::cout << kUsage;
      return 0;
    }
    return program.main(checksum, options);
  } catch (const std::invalid_argument& e) {
    std::cerr << "parallel_checksum: " << e.what() << " (try --help)\n";
    return 2;
  }
}
