// The matching lines of large files, found by actors on all cores.
//   log_grep [--workers N] [--max-count M] [--] PATTERN FILE...
// It prints, byte for byte, what `LC_ALL=C grep -nHaE PATTERN FILE...` prints (-m M for --max-count), for patterns that
// RE2 has in common with it, and has its exit status: 0 when there was a match, 1 when not, 2 after an error.
//
// The root cuts the files into ranges and opens a stream for each, a few ahead of the one it prints; a worker's
// generator yields the matching lines that begin in its range. Back-pressure bounds what is in memory, however large
// the files are and however many lines match; with --max-count enough, the streams that are left are dropped, which
// ends their generators.
#include <fcntl.h>
#include <re2/re2.h>
#include <sys/stat.h>
#include <tractor/tractor.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <limits>
#include <system_error>
#include <thread>

#include "write_out.h"

// --- what the workers do ---

// A matching line and its number within its range, counted from 1; without a text, the end of the range and how many
// lines begin in it.
using Found = std::tuple<std::int64_t, std::optional<std::string>>;

RE2::Options grep_options() {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);  // bytes
  options.set_posix_syntax(true);
  options.set_perl_classes(true);
  options.set_word_boundary(true);
  options.set_log_errors(false);
  return options;
}

class File {
 public:
  explicit File(const std::string& path) : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), path);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { close(descriptor_); }

  std::int64_t size() const {
    struct stat status {};
    fstat(descriptor_, &status);
    if (S_ISDIR(status.st_mode)) throw std::system_error(EISDIR, std::generic_category());
    if (!S_ISREG(status.st_mode)) throw std::runtime_error("not a regular file");
    return status.st_size;
  }
  // Up to 1 MiB from there on; empty at the end.
  std::string read(std::int64_t from) const {
    std::string bytes(std::size_t{1} << 20, '\0');
    const ssize_t size = pread(descriptor_, bytes.data(), bytes.size(), from);
    if (size < 0) throw std::system_error(errno, std::generic_category(), "read");
    bytes.resize(static_cast<std::size_t>(size));
    return bytes;
  }

 private:
  int descriptor_;
};

// The lines that begin in [begin, end): calls f(line) for each. Other tasks run now and then.
template <class F>
void for_each_line(const File& file, std::int64_t begin, std::int64_t end, F&& f) {
  // A line begins after a newline: the range's first bytes may belong to one that began before.
  std::int64_t at = begin == 0 ? 0 : begin - 1;
  bool skip = begin != 0;
  std::string carried;
  std::int64_t line_begins = at;
  while (true) {
    tractor::checkpoint();
    const std::string bytes = file.read(at);
    if (bytes.empty()) break;
    std::string_view rest = bytes;
    while (!rest.empty()) {
      const std::size_t newline = rest.find('\n');
      const std::string_view part = rest.substr(0, newline);
      if (newline == std::string_view::npos) {
        if (!skip) carried += part;
        break;
      }
      if (!skip) {
        if (line_begins >= end) return;
        if (carried.empty()) {
          f(part);
        } else {
          f(std::string_view(carried += part));
          carried.clear();
        }
      }
      skip = false;
      rest.remove_prefix(newline + 1);
      line_begins = at + static_cast<std::int64_t>(bytes.size() - rest.size());
    }
    at += static_cast<std::int64_t>(bytes.size());
    if (!skip && line_begins >= end) return;
  }
  if (!carried.empty() && line_begins < end) f(std::string_view(carried));  // without a newline at the file's end
}

void grep_range(tractor::Yield<Found>& yield, const std::string& pattern, const std::string& path, std::int64_t begin,
                std::int64_t end) {
  const RE2 expression(pattern, grep_options());
  const File file(path);
  std::int64_t lines = 0;
  for_each_line(file, begin, end, [&](std::string_view line) {
    ++lines;
    if (RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), expression)) yield({lines, std::string(line)});
  });
  yield({lines, std::nullopt});
}

// --- the root ---

struct Options {
  std::string pattern;
  std::vector<std::string> files;
  int workers = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  std::int64_t max_count = std::numeric_limits<std::int64_t>::max();
};

constexpr std::int64_t kRange = std::int64_t{16} << 20;
constexpr std::size_t kMostText = std::size_t{64} << 10;

struct Range {
  std::size_t file;
  std::int64_t begin;
  std::int64_t end;
  tractor::Stream<Found> lines;
};

class Search {
 public:
  explicit Search(const Options& options) : options_(options), state_(options.files.size()) {}

  int run() {
    tractor::open_actor_cluster(
        "grep", options_.workers, {.modules = {"grep"}}, [this](std::vector<tractor::Portal>& workers) {
          auto [send, receive] = tractor::open_memory_channel<Range>(workers.size());
          tractor::open_task_nursery([&](tractor::TaskNursery& tasks) {
            tasks.start_soon([this, &workers, out = std::move(send)]() mutable { open_streams(workers, out); });
            for (Range& range : receive) print(range);
          });
        });
    if (failed_) return 2;
    return matched_ ? 0 : 1;
  }

 private:
  struct State {
    std::int64_t lines = 0;  // in the ranges that were printed
    std::int64_t matches = 0;
  };
  bool enough(std::size_t file) const { return state_[file].matches >= options_.max_count; }

  // In order, each worker in its turn; the channel holds it back.
  void open_streams(std::vector<tractor::Portal>& workers, tractor::SendChannel<Range>& out) {
    std::size_t next = 0;
    for (std::size_t file = 0; file < options_.files.size(); ++file) {
      const std::string& path = options_.files[file];
      std::int64_t size = 0;
      try {
        size = File(path).size();
      } catch (const std::system_error& e) {
        fail(path, e.code().message());
        continue;
      } catch (const std::runtime_error& e) {
        fail(path, e.what());
        continue;
      }
      const auto search = [&](std::int64_t begin, std::int64_t end) {
        tractor::Portal& worker = workers[next++ % workers.size()];
        out.send({file, begin, end, worker.run(grep_range, options_.pattern, path, begin, end)});
      };
      if (size == 0) search(0, std::numeric_limits<std::int64_t>::max());  // also what only says so, as in /proc
      for (std::int64_t begin = 0; begin < size && !enough(file); begin += kRange)
        search(begin, std::min(size, begin + kRange));
    }
  }

  void print(Range& range) {
    State& state = state_[range.file];
    while (!enough(range.file)) {
      const std::optional<Found> found = range.lines.next();
      if (!found) break;
      const auto& [number, text] = *found;
      if (!text) {
        state.lines += number;
      } else {
        ++state.matches;
        matched_ = true;
        text_ += options_.files[range.file] + ':' + std::to_string(state.lines + number) + ':' + *text + '\n';
        if (text_.size() >= kMostText) write_text();
      }
    }
    range.lines.close();  // before the next range: what is left of it ends now
    write_text();
  }

  void write_text() {
    tractor::to_thread([this](const std::stop_token& stop) { write_out(stop, text_); });
    text_.clear();
  }

  void fail(const std::string& path, const std::string& why) {
    std::cerr << "log_grep: " << path << ": " << why << '\n';
    failed_ = true;
  }

  const Options& options_;
  std::vector<State> state_;
  std::string text_;  // to be printed
  bool matched_ = false;
  bool failed_ = false;
};

[[noreturn]] void usage(const std::string& wrong) {
  if (!wrong.empty()) std::cerr << "log_grep: " << wrong << '\n';
  (wrong.empty() ? std::cout : std::cerr)
      << "usage: log_grep [--workers N] [--max-count M] [--] PATTERN FILE...\n"
         "Prints the lines of the files that match, as `LC_ALL=C grep -nHaE` does, at most M of each file.\n";
  std::exit(wrong.empty() ? 0 : 2);
}

template <class T>
T number(const std::string& option, const std::string& text, T least, T most) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
    usage(option + " takes a number from " + std::to_string(least) + " to " + std::to_string(most) + ", not \"" + text +
          '"');
  return value;
}

Options parse(int argc, char** argv) {
  Options options;
  std::vector<std::string> words;
  bool only_words = false;  // after --
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (only_words) {
      words.push_back(word);
      continue;
    }
    if (word == "--help" || word == "-h") usage("");
    if (word == "--workers" || word == "--max-count") {
      if (i + 1 == argc) usage(word + " takes a number");
      if (word == "--workers") {
        options.workers = number(word, argv[++i], 1, 256);
      } else {
        options.max_count = number(word, argv[++i], std::int64_t{0}, std::numeric_limits<std::int64_t>::max());
      }
    } else if (word == "--") {
      only_words = true;
    } else if (word.starts_with("--")) {
      usage("no option " + word);
    } else {
      words.push_back(word);
    }
  }
  if (words.size() < 2) usage("a pattern and a file at least are needed");
  options.pattern = words.front();
  options.files.assign(words.begin() + 1, words.end());
  const RE2 expression(options.pattern, grep_options());
  if (!expression.ok()) usage("the pattern \"" + options.pattern + "\": " + expression.error());
  return options;
}

int main(int argc, char** argv) {
  tractor::Program program(argc, argv);
  program.module("grep").def("grep_range", grep_range, "pattern", "path", "begin", "end");
  program.serve_if_child();
  std::ios::sync_with_stdio(false);
  const Options options = parse(argc, argv);
  // However busy the machine is, dropping a stream is no error: the workers are ours.
  return program.main(tractor::RunOptions{.unacknowledged_after = std::chrono::minutes(1)}, [&] {
    try {
      return Search(options).run();
    } catch (const std::exception& e) {  // a worker died, or cannot read
      std::cerr << "log_grep: " << e.what() << '\n';
      return 2;
    }
  });
}
